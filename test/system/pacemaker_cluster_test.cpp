// SPDX-License-Identifier: PostgreSQL
#include "pgsqlms/system/pacemaker_cluster.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "deadlines.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "processes.hpp"
#include "scratch_folder.hpp"

namespace pgsqlms::system {
namespace {

using cluster::PrivateAttribute;
using test::in;
using test::ScratchFolder;
using test::steady;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

PacemakerCluster cluster_with(const ocf::Environment& environment, std::optional<std::string> node = "srv1") {
  ocf::Context context;
  context.resource = "pgsqld";
  context.node = std::move(node);
  return {context, environment, steady};
}

/// What a call on the cluster fails with; empty if it does not.
template <typename Call>
std::string failure_of(Call call) {
  try {
    call();
  } catch (const ocf::Failure& failure) {
    EXPECT_EQ(failure.answer().code, ocf::ReturnCode::ErrGeneric);
    return failure.what();
  }
  return "";
}

// ---- What the tools print

TEST(ParseScores, FindsTheScoreOfEveryNode) {
  const auto scores = parse_scores(
      "<nodes>\n"
      "  <node id=\"1\" uname=\"srv1\">\n"
      "    <instance_attributes id=\"nodes-1\">\n"
      "      <nvpair id=\"a\" name=\"master-other\" value=\"5\"/>\n"
      "      <nvpair id=\"b\" name=\"master-pgsqld\" value=\"1001\"/>\n"
      "    </instance_attributes>\n"
      "  </node>\n"
      "  <node id=\"2\" uname=\"srv2\"><utilization id=\"u\"/>"
      "<instance_attributes id=\"x\"/><instance_attributes id=\"nodes-2\">"
      "<nvpair id=\"c\" name=\"master-pgsqld\" value=\"-INFINITY\"/></instance_attributes></node>\n"
      "  <node id=\"3\" uname=\"srv3\"/>\n"
      "  <node id=\"4\" uname=\"srv4\"><instance_attributes id=\"d\">"
      "<nvpair id=\"e\" name=\"master-pgsqld\" value=\"high\"/></instance_attributes></node>\n"
      "</nodes>\n",
      "master-pgsqld");
  EXPECT_EQ(scores,
            (cluster::ScoreTable{
                {"srv1", 1001}, {"srv2", -cluster::kInfinity}, {"srv3", std::nullopt}, {"srv4", std::nullopt}}));
}

TEST(ParseScores, FindsNobodyInAnEmptyList) { EXPECT_TRUE(parse_scores("<nodes/>", "master-pgsqld").empty()); }

TEST(ParseScores, FailsOnWhatIsNoListOfNodes) {
  for (const auto* const text : {"", "Could not connect", "<nodes>", "<status/>", "<nodes><node id=\"1\"/></nodes>"}) {
    EXPECT_NE(failure_of([&] { static_cast<void>(parse_scores(text, "master-pgsqld")); }), "") << text;
  }
}

TEST(ParseAttributes, FindsTheValueOfEveryNodeThatHasOne) {
  EXPECT_EQ(parse_attributes("name=\"lsn_location-pgsqld\" host=\"srv1\" value=\"9#100663296\"\n"
                             "name=\"lsn_location-pgsqld\" host=\"srv2\" value=\"\"\n"
                             "name=\"lsn_location-pgsqld\" host=\"srv-3.example.com\" value=\"10#1\""),
            (cluster::AttributeTable{{"srv1", "9#100663296"}, {"srv-3.example.com", "10#1"}}));
}

TEST(ParseAttributes, FindsNothingInOtherLines) {
  EXPECT_TRUE(parse_attributes("").empty());
  EXPECT_TRUE(parse_attributes("\nnotice: hello\nname=\"x\" host=\"srv1\nvalue=\"1\"\n").empty());
}

// ---- Pacemaker's real tools, on a CIB in a file

class CibFile : public testing::Test {
 protected:
  CibFile() {
    std::string nodes;
    int id = 0;
    for (const auto& node : nodes_) {
      nodes += "<node id=\"" + std::to_string(++id) + "\" uname=\"" + node + "\"/>";
    }
    test::write_file(folder_ / "cib.xml",
                     "<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"1\" num_updates=\"0\" "
                     "admin_epoch=\"0\"><configuration><crm_config/><nodes>" +
                         nodes + "</nodes><resources/><constraints/></configuration><status/></cib>\n",
                     0600);
    setenv("CIB_file", (folder_ / "cib.xml").c_str(), 1);
  }
  ~CibFile() override { unsetenv("CIB_file"); }

  PacemakerCluster cluster_ = cluster_with({});
  const std::vector<std::string> nodes_ = {"srv1", "srv2", "SRV-3.example.com", "10.20.30.40", "node_with_5"};

 private:
  ScratchFolder folder_;
};

TEST_F(CibFile, KnowsEveryNodeThoughNoneHasAScore) {
  const auto scores = cluster_.promotion_scores(in(20s));
  EXPECT_EQ(scores.size(), nodes_.size());
  for (const auto& node : nodes_) {
    ASSERT_EQ(scores.count(node), 1U) << node;
    EXPECT_EQ(scores.at(node), std::nullopt) << node;
  }
}

TEST_F(CibFile, KeepsAScoreForEveryNode) {
  cluster::PromotionScore score = 1001;
  for (const auto& node : nodes_) cluster_.set_promotion_score(node, score--, in(20s));
  score = 1001;
  const auto scores = cluster_.promotion_scores(in(20s));
  for (const auto& node : nodes_) EXPECT_EQ(scores.at(node), score--) << node;
}

TEST_F(CibFile, KeepsNegativeAndInfiniteScores) {
  for (const auto score : {-1, -1000, 0, cluster::kInfinity, -cluster::kInfinity}) {
    cluster_.set_promotion_score("srv2", score, in(20s));
    EXPECT_EQ(cluster_.promotion_scores(in(20s)).at("srv2"), score);
  }
}

TEST_F(CibFile, KeepsTheScoresOfResourcesApart) {
  ocf::Context context;
  context.resource = "other";
  PacemakerCluster other(context, {}, steady);
  other.set_promotion_score("srv1", 7, in(20s));
  cluster_.set_promotion_score("srv1", 1000, in(20s));
  EXPECT_EQ(other.promotion_scores(in(20s)).at("srv1"), 7);
  EXPECT_EQ(cluster_.promotion_scores(in(20s)).at("srv1"), 1000);
}

TEST_F(CibFile, RefusesAScoreForANodeThatIsNotInTheCluster) {
  const auto reason = failure_of([&] { cluster_.set_promotion_score("srv9", 1, in(20s)); });
  EXPECT_NE(reason.find("srv9"), std::string::npos) << reason;
}

// ---- No cluster, no tools

TEST(WithoutCluster, KnowsItsNameFromTheContextAlone) { EXPECT_EQ(cluster_with({}).local_node(), "srv1"); }

TEST(WithoutCluster, EveryQuestionFailsInTimeAndNamesTheTool) {
  auto cluster = cluster_with({});
  const auto began = std::chrono::steady_clock::now();
  const auto fails_with = [&](const std::string& tool, auto call) {
    const auto reason = failure_of(call);
    // CRM_EX_DISCONNECT; crm_simulate says CRM_EX_NOINPUT.
    const auto beginning = tool + ": exit code " + (tool == "crm_simulate" ? "66: " : "102: ");
    EXPECT_EQ(reason.substr(0, beginning.size()), beginning);
    EXPECT_GT(reason.size(), beginning.size());
  };
  fails_with("crm_mon", [&] { static_cast<void>(cluster.membership(in(5s))); });
  fails_with("crm_simulate", [&] { static_cast<void>(cluster.placement_scores(in(5s))); });
  fails_with("cibadmin", [&] { static_cast<void>(cluster.promotion_scores(in(5s))); });
  fails_with("crm_attribute", [&] { cluster.set_promotion_score("srv1", 1, in(5s)); });
  fails_with("attrd_updater", [&] { static_cast<void>(cluster.attributes(PrivateAttribute::Vote, in(5s))); });
  fails_with("attrd_updater", [&] { cluster.set_attribute(PrivateAttribute::Vote, "1#2", in(5s)); });
  fails_with("attrd_updater", [&] { cluster.delete_attribute(PrivateAttribute::Vote, "srv1", in(5s)); });
  EXPECT_LT(std::chrono::steady_clock::now() - began, 25s);
}

TEST(WithoutCluster, DoesNotKnowItsNameWhereTheContextHasNone) {
  auto cluster = cluster_with({}, std::nullopt);
  const auto reason = failure_of([&] { static_cast<void>(cluster.local_node()); });
  EXPECT_EQ(reason.compare(0, 9, "crm_node:"), 0) << reason;
}

TEST(WithoutTools, EveryQuestionFailsAndNamesTheTool) {
  auto cluster = cluster_with({{"HA_SBIN_DIR", "/nonexistent"}});
  EXPECT_EQ(failure_of([&] { static_cast<void>(cluster.membership(in(5s))); }), "crm_mon: exit code 127");
  EXPECT_EQ(failure_of([&] { static_cast<void>(cluster.promotion_scores(in(5s))); }), "cibadmin: exit code 127");
  EXPECT_EQ(failure_of([&] { cluster.set_promotion_score("srv1", 1, in(5s)); }), "crm_attribute: exit code 127");
  EXPECT_EQ(failure_of([&] { cluster.set_attribute(PrivateAttribute::Vote, "1#2", in(5s)); }),
            "attrd_updater: exit code 127");
}

/// A folder of stand-ins for the tools.
class StandIns {
 public:
  void add(const std::string& tool, const std::string& script) const {
    test::write_file(folder_ / tool, "#!/bin/sh\n" + script + "\n", 0755);
  }
  [[nodiscard]] ocf::Environment environment() const { return {{"HA_SBIN_DIR", folder_.path()}}; }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ / name; }

 private:
  ScratchFolder folder_;
};

TEST(HangingTools, AreGivenUpAtTheDeadline) {
  const StandIns tools;
  tools.add("cibadmin", "sleep 60");
  auto cluster = cluster_with(tools.environment());
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(failure_of([&] { static_cast<void>(cluster.promotion_scores(in(200ms))); }), "cibadmin: no end in time");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(Attributes, AreNoneWhereTheToolSaysThatThereIsNoSuchAttribute) {
  for (const auto* const code : {"6", "105", "78"}) {
    const StandIns tools;
    tools.add("attrd_updater", std::string("echo 'name=\"x\" host=\"srv1\" value=\"1\"'; exit ") + code);
    auto cluster = cluster_with(tools.environment());
    EXPECT_TRUE(cluster.attributes(PrivateAttribute::Vote, in(5s)).empty()) << code;
  }
}

TEST(Attributes, AreAskedForOnAllNodes) {
  // Pacemaker 2.1.5's tool shows only the local node where it sees this variable.
  setenv("OCF_RESKEY_CRM_meta_on_node", "srv1", 1);
  const StandIns tools;
  tools.add("attrd_updater", "[ -z \"$OCF_RESKEY_CRM_meta_on_node\" ] || exit 1\necho \"$@\" >" + tools.file("asked") +
                                 "\necho 'name=\"lsn_location-pgsqld\" host=\"srv2\" value=\"1#2\"'");
  auto cluster = cluster_with(tools.environment());
  EXPECT_EQ(cluster.attributes(PrivateAttribute::Vote, in(5s)), (cluster::AttributeTable{{"srv2", "1#2"}}));
  EXPECT_EQ(test::contents_of(tools.file("asked")), "-Q -A --name lsn_location-pgsqld\n");
  unsetenv("OCF_RESKEY_CRM_meta_on_node");
}

TEST(Attributes, AreWrittenPrivatelyForTheLocalNode) {
  const StandIns tools;
  tools.add("attrd_updater", "echo \"$@\" >" + tools.file("asked"));
  auto cluster = cluster_with(tools.environment());
  cluster.set_attribute(PrivateAttribute::ShutdownCheckpoint, "3#117440552", in(5s));
  EXPECT_EQ(test::contents_of(tools.file("asked")),
            "--private --lifetime reboot --name shutdown_checkpoint-pgsqld -N srv1 --update 3#117440552\n");
}

/// What crm_mon of Pacemaker 2.1.5 prints, but for what is of no interest here.
std::string status_of_cluster(const std::string& node_attributes, const std::string& instance_attributes) {
  return R"(<crm_mon version="2.1.5"><summary><nodes_configured number="3"/></summary><nodes>)"
         R"(<node name="srv1" id="1" )" +
         node_attributes +
         R"(/><node name="srv2" id="2" online="true" standby="true" maintenance="true" shutdown="true"/></nodes>)"
         R"(<resources><resource id="pgsql-vip" active="true" managed="false"><node name="srv1" id="1"/></resource>)"
         R"(<clone id="pgsql-ha"><resource id="pgsqld" role="Promoted" active="true" managed="false">)"
         R"(<node name="srv2" id="2"/></resource><resource id="pgsqld" role="Unpromoted" active="true" )" +
         instance_attributes + R"(><node name="srv1" id="1" cached="true"/></resource></clone></resources></crm_mon>)";
}

TEST(ParseLocalStatus, TellsTheLocalNodeAndTheInstanceThereFromAllOthers) {
  const auto status =
      parse_local_status(status_of_cluster(R"(online="true" standby="false" maintenance="false" shutdown="false")",
                                           R"(orphaned="false" blocked="false" managed="true" failed="false")"),
                         "pgsqld", "srv1");
  EXPECT_TRUE(status.online);
  EXPECT_FALSE(status.standby || status.maintenance || status.shutting_down);
  ASSERT_TRUE(status.instance);
  EXPECT_TRUE(status.instance->managed);
  EXPECT_FALSE(status.instance->orphaned || status.instance->blocked || status.instance->failed);
  EXPECT_EQ(status.instance->pending + status.instance->target_role, "");
}

TEST(ParseLocalStatus, TakesEachAttribute) {
  const auto status = parse_local_status(
      status_of_cluster(R"(online="false" standby="true" maintenance="true" shutdown="true")",
                        R"(orphaned="true" blocked="true" managed="false" failed="true" pending="Stopping" )"
                        R"(target_role="Stopped")"),
      "pgsqld", "srv1");
  EXPECT_FALSE(status.online);
  EXPECT_TRUE(status.standby && status.maintenance && status.shutting_down);
  ASSERT_TRUE(status.instance);
  EXPECT_FALSE(status.instance->managed);
  EXPECT_TRUE(status.instance->orphaned && status.instance->blocked && status.instance->failed);
  EXPECT_EQ(status.instance->pending, "Stopping");
  EXPECT_EQ(status.instance->target_role, "Stopped");
}

TEST(ParseLocalStatus, TakesNothingForGrantedThatIsNotSaid) {
  const auto status = parse_local_status(status_of_cluster("", ""), "pgsqld", "srv1");
  EXPECT_FALSE(status.online);
  ASSERT_TRUE(status.instance);
  EXPECT_FALSE(status.instance->managed);
}

TEST(ParseLocalStatus, FindsNumberedInstancesOfOlderVersionsAndNoOtherResources) {
  const auto xml_of = [](const std::string& id, const std::string& active) {
    return R"(<crm_mon><nodes/><resources><clone><group><resource id=")" + id + R"(" active=")" + active +
           R"("><node name="srv1"/></resource></group></clone></resources></crm_mon>)";
  };
  EXPECT_TRUE(parse_local_status(xml_of("pgsqld:0", "true"), "pgsqld", "srv1").instance);
  EXPECT_FALSE(parse_local_status(xml_of("pgsqld2", "true"), "pgsqld", "srv1").instance);
  EXPECT_FALSE(parse_local_status(xml_of("pgsqld", "false"), "pgsqld", "srv1").instance);
  EXPECT_FALSE(parse_local_status(xml_of("pgsqld", "true"), "pgsqld", "srv10").instance);
}

TEST(ParseLocalStatus, RefusesWhatIsNoStatus) {
  for (const auto* text : {"", "cluster is not available on this node", "<crm_mon/>", "<crm_mon><nodes/></crm_mon>"}) {
    EXPECT_EQ(failure_of([&] {
                static_cast<void>(parse_local_status(text, "pgsqld", "srv1"));
              }).compare(0, 26, "crm_mon printed no status:"),
              0)
        << text;
  }
}

TEST(ParseMembership, FindsWhoIsOnlineOfEveryKindOfNode) {
  const auto membership = parse_membership(
      R"(<crm_mon><nodes><node name="srv1" online="true" maintenance="false" type="member"/>)"
      R"(<node name="srv2" online="false" maintenance="true" type="member"/>)"
      R"(<node name="SRV-3.example.com" online="true" maintenance="true" type="remote"/><node name="srv4"/>)"
      R"(</nodes><resources/></crm_mon>)");
  EXPECT_EQ(membership.online, (cluster::NodeList{"srv1", "SRV-3.example.com"}));
  EXPECT_EQ(membership.in_maintenance, cluster::NodeList{"SRV-3.example.com"});
}

TEST(ParseMembership, RefusesWhatIsNoStatus) {
  EXPECT_NE(failure_of([] { static_cast<void>(parse_membership("<nodes/>")); }), "");
}

TEST(ParsePlacement, TakesTheBestScoreOfEachNodeForTheResource) {
  const auto placement = parse_placement(
      "Current cluster status:\n  * Node List:\n    * Online: [ srv1 srv2 srv3 ]\n\n"
      "Assignment Scores:\n  * pcmk__primitive_assign: pgsqld:0 allocation score on srv1: 1001\n"
      "  * pgsqld:0 promotion score on srv1: 1001\n"
      "pgsqld:1 promotion score on srv2: INFINITY\n"
      "pgsqld:2 promotion score on srv-3.example.com: -INFINITY\n"
      "pgsqld:3 promotion score on none: 0\n"
      "pgsqld:4 promotion score on srv1: -1000\n"
      "pgsqld2:0 promotion score on srv4: 5\n",
      "pgsqld");
  EXPECT_EQ(
      placement,
      (cluster::ScoreTable{
          {"srv1", 1001}, {"srv2", cluster::kInfinity}, {"srv-3.example.com", -cluster::kInfinity}, {"none", 0}}));
}

TEST(ReportFailure, FailsTheInstanceOfThatNode) {
  const StandIns tools;
  tools.add("crm_resource", "echo \"$@\" >" + tools.file("asked"));
  auto cluster = cluster_with(tools.environment());
  cluster.report_failure("srv2", in(5s));
  EXPECT_EQ(test::contents_of(tools.file("asked")), "--fail --resource pgsqld --node srv2\n");
}

TEST(ReportFailure, FailsItselfWhereTheToolDoesWithWhateverCode) {
  for (const auto* const code : {"1", "6", "78", "105"}) {
    const StandIns tools;
    tools.add("crm_resource", std::string("exit ") + code);
    auto cluster = cluster_with(tools.environment());
    EXPECT_EQ(failure_of([&] { cluster.report_failure("srv1", in(5s)); }).compare(0, 12, "crm_resource"), 0) << code;
  }
}

}  // namespace
}  // namespace pgsqlms::system

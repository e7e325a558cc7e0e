// SPDX-License-Identifier: PostgreSQL
// FakeWatcher: the watcher of a FakeInstance, which it can only keep as long as the server runs.
#pragma once

#include "fake/fake_instance.hpp"
#include "pgsqlms/ocf/answer.hpp"
#include "pgsqlms/pg/watcher.hpp"

namespace pgsqlms::fake {

class FakeWatcher : public pg::Watcher {
 public:
  explicit FakeWatcher(FakeInstance& instance) : instance_(instance) {}

  // ---- How it is and behaves. Tests arrange it and look at it.
  bool there = false;
  bool fails = false;  ///< it can neither be started nor ended

  void keep(Deadline /*deadline*/) override {
    if (!instance_.processes().postmaster) return;
    if (fails) throw ocf::Failure("the watcher is not there in time");
    if (!there) instance_.orders.emplace_back("watch");
    there = true;
  }
  void end(Deadline /*deadline*/) override {
    if (!there) return;
    if (fails) throw ocf::Failure("process 4711 does not end");
    instance_.orders.emplace_back("unwatch");
    there = false;
  }

 private:
  FakeInstance& instance_;
};

}  // namespace pgsqlms::fake

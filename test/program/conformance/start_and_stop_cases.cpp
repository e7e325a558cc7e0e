// SPDX-License-Identifier: PostgreSQL
// start and stop, and the files that they write.
#include <sys/mount.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "conformance_case.hpp"

namespace pgsqlms::test {
namespace {

namespace fs = std::filesystem;

void lacks_a_socket_folder(Scene& scene) { scene.local.configure("unix_socket_directories = '/nonexistent'"); }

std::string standby_signal(Scene& scene) {
  struct stat status {};
  if (lstat((scene.local.data() + "/standby.signal").c_str(), &status) != 0) return "no standby.signal";
  constexpr unsigned kPermissions = 07777;
  const bool is_private = (status.st_mode & kPermissions) == 0600;
  return server(scene) + ", standby.signal has mode " + (is_private ? "0600" : "0644");
}

// ---- A link in the place of a file that root would write to

std::string target_of_link(Scene& scene) { return scene.local.folder() / "secret"; }

void planted_link(Scene& scene) {
  const auto target = target_of_link(scene);
  write_file(target, "root's own", 0600);
  if (chown(target.c_str(), 0, 0) != 0) throw std::runtime_error("chown " + target);
  fs::create_symlink(target, scene.local.data() + "/standby.signal");
}

std::string fate_of_target(Scene& scene) {
  struct stat status {};
  if (stat(target_of_link(scene).c_str(), &status) != 0) return "root's file is gone";
  const bool is_untouched = contents_of(target_of_link(scene)) == "root's own" && status.st_uid == 0;
  return is_untouched ? "root's file is as before" : "root's file is emptied and belongs to postgres";
}

/// Mounts a small file system of its own over the data directory, with the data in it and no block left.
class FullDisk {
 public:
  explicit FullDisk(const std::string& data) : data_(data) {
    const auto aside = data + ".aside";
    fs::rename(data, aside);
    make_folder(data, 0700);
    if (mount("tmpfs", data.c_str(), "tmpfs", 0, "size=80m,nr_inodes=2000,mode=0700") != 0) {
      throw std::runtime_error("mount tmpfs on " + data);
    }
    if (chown(data.c_str(), scratch_user().uid, scratch_user().gid) != 0) throw std::runtime_error("chown " + data);
    fs::copy(aside, data, fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(data)) {
      if (lchown(entry.path().c_str(), scratch_user().uid, scratch_user().gid) != 0) {
        throw std::runtime_error("chown " + entry.path().string());
      }
    }
    fs::permissions(data, fs::perms::owner_all);
    // Files that hold nothing need no block, but each needs an inode.
    make_folder(data + "/filler");
    for (int number = 0; mknod((data + "/filler/" + std::to_string(number)).c_str(), S_IFREG | 0600, 0) == 0;) ++number;
  }
  ~FullDisk() { umount2(data_.c_str(), MNT_DETACH); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  std::string data_;
};

void full_disk(Scene& scene) { scene.hold<FullDisk>(scene.local.data()); }

/// pg_ctl that is killed as soon as it has to do this.
std::string killed_for(const std::string& order) {
  return "#!/bin/sh\ncase \" $* \" in *\" " + order + " \"*) kill -9 $$ ;; esac\nexec " + server_programs() +
         "/pg_ctl \"$@\"\n";
}

void data_of_root(Scene& scene) {
  if (chown(scene.local.data().c_str(), 0, 0) != 0) throw std::runtime_error("chown");
}

void stop_by_killed_pg_ctl(Scene& scene) {
  running_primary(scene);
  scene.replace_program("pg_ctl", killed_for("stop"));
}

/// The server of a data directory that was taken away under it: a file system that was unmounted lazily.
class LostFolder {
 public:
  explicit LostFolder(ScratchInstance& instance) : data_(instance.data()) {
    const auto aside = data_ + ".aside";
    fs::rename(data_, aside);
    make_folder(data_, 0700);
    if (mount(aside.c_str(), data_.c_str(), nullptr, MS_BIND, nullptr) != 0) throw std::runtime_error("bind mount");
    instance.start();
    postmaster_ = instance.postmaster();
    if (umount2(data_.c_str(), MNT_DETACH) != 0) throw std::runtime_error("umount");
  }
  ~LostFolder() {
    umount2(data_.c_str(), MNT_DETACH);
    kill(postmaster_, SIGQUIT);
    static_cast<void>(wait_until_gone(postmaster_, 5s));
  }
  LostFolder(const LostFolder&) = delete;
  LostFolder& operator=(const LostFolder&) = delete;

  [[nodiscard]] pid_t postmaster() const { return postmaster_; }

 private:
  std::string data_;
  pid_t postmaster_ = 0;
};

/// A server in mounts of its own, where its data directory has the name of this node's, which is an empty folder.
void server_of_a_container(Scene& scene) {
  const auto data = scene.local.data();
  fs::rename(data, data + ".aside");
  make_folder(data, 0700);
  Start start;
  start.arguments = {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                     "mount --bind '" + data + ".aside' '" + data +
                         "' && exec setpriv --reuid=postgres "
                         "--regid=postgres --clear-groups " +
                         server_programs() + "/postgres -D '" + data + "'"};
  start.output = scene.local.log_file();
  scene.hold<Child>(start);
  if (!eventually([&] { return Session(scene.local.conninfo()).is_open(); })) {
    throw std::runtime_error("the server in the container does not start");
  }
}

std::string contained_server(Scene& scene) {
  return Session(scene.local.conninfo()).is_open() ? "the container's server runs" : "it was ended";
}

}  // namespace

Cases start_and_stop_cases() {
  return {
      {"R301_StartOfARunningStandbyChangesNothing",
       "a standby",
       running_standby,
       "start",
       server,
       {kSuccess, "a standby runs", ""},
       {kSuccess, "a standby runs", ""},
       "",
       ""},
      {"R302_F19_StartOfARunningPrimaryIsRefused",
       "a primary that was started by hand",
       running_primary,
       "start",
       server,
       {kErrGeneric, "a primary runs", "start refused: the instance is primary"},
       {kErrGeneric, "a primary runs", ""},
       "",
       ""},
      {"R302_A1_StartOfAKilledPrimaryRecoversItAsAStandby",
       "a primary that was killed",
       killed_primary,
       "start",
       server,
       {kSuccess, "a standby runs", ""},
       {kErrGeneric, "no server runs", ""},
       "PostgreSQL replays its own WAL first; nobody has to start it by hand.",
       "#162, #173, #181"},
      {"R302_A1_StartOfAKilledStandbyStartsItAgain",
       "a standby that was killed",
       killed_standby,
       "start",
       server,
       {kSuccess, "a standby runs", ""},
       {kErrGeneric, "no server runs", ""},
       "PostgreSQL replays its own WAL first; nobody has to start it by hand.",
       "#162"},
      {"A1_M3_StartOfAPrimaryKilledInRecoveryRecoversIt",
       "a primary that was killed during crash recovery",
       [](Scene& scene) {
         killed_in_recovery(scene);
         scene.release();
       },
       "start",
       server,
       {kSuccess, "a standby runs", ""},
       {kDoesNotReturn, "no server runs", ""},
       "Without a process no state of pg_control will change.",
       "#205"},
      {"A1_A2_StartEndsTheOrphansOfAKilledPrimaryFirst",
       "a primary whose postmaster was killed, a backend lives on",
       primary_with_orphans,
       "start",
       server,
       {kSuccess, "a standby runs", ""},
       {kErrGeneric, "a server runs that takes no session", ""},
       "Two servers must never work in one data directory.",
       ""},
      {"R303_A7_StartOfAStoppedInstanceMakesItAStandby",
       "a primary that was shut down",
       untouched,
       "start",
       standby_signal,
       {kSuccess, "a standby runs, standby.signal has mode 0600", ""},
       {kSuccess, "a standby runs, standby.signal has mode 0644", ""},
       "The file that this is on PostgreSQL 11, recovery.conf, may hold a password.",
       ""},
      {"R303_StartOfAStoppedStandbyStartsIt",
       "a standby that was shut down",
       stopped_standby,
       "start",
       server,
       {kSuccess, "a standby runs", ""},
       {kSuccess, "a standby runs", ""},
       "",
       ""},
      {"R304_A9_AFailedStartTellsTheServersLastWords",
       "a stopped instance whose socket folder does not exist",
       lacks_a_socket_folder,
       "start",
       server,
       {kErrGeneric, "no server runs", "start failed: could not create lock file"},
       {kErrGeneric, "no server runs", ""},
       "",
       ""},
      {"R305_V5_F21_AFullDiskDoesNotStopTheResourceEverywhere",
       "the disk of the data directory is full",
       full_disk,
       "start",
       server,
       {kErrGeneric, "no server runs", "standby.signal"},
       {6, "no server runs", "standby.signal"},
       "One node's disk is no error of the configuration: 6 stops the resource on all nodes.",
       "#188, #111"},
      {"F22_ADataDirectoryThatIsNotTheUsersIsAnError",
       "the data directory belongs to root",
       data_of_root,
       "start",
       server,
       {kErrArgs, "no server runs", ""},
       {kErrGeneric, "no server runs", ""},
       "The configuration of this node has to be changed before a start can succeed.",
       ""},
      {"F01_A7_APlantedLinkIsNotFollowed",
       "standby.signal is a link to a file of root",
       planted_link,
       "start",
       fate_of_target,
       {kSuccess, "root's file is as before", ""},
       {kSuccess, "root's file is emptied and belongs to postgres", ""},
       "Files in a folder of postgres are written as postgres, anew, and renamed.",
       ""},
      {"F04_AKilledPgCtlIsNoSuccessfulStart",
       "a stopped instance, pg_ctl start is killed by a signal",
       [](Scene& scene) { scene.replace_program("pg_ctl", killed_for("start")); },
       "start",
       server,
       {kErrGeneric, "no server runs", "ended by signal 9"},
       {kDoesNotReturn, "no server runs", ""},
       "A program that was killed has not succeeded.",
       ""},
      {"F06_AProgramThatCannotBeExecutedIsAnErrorOnce",
       "a stopped instance, pg_ctl's interpreter does not exist",
       [](Scene& scene) { scene.replace_program("pg_ctl", "#!/nonexistent\n"); },
       "start",
       server,
       {kErrGeneric, "no server runs", "start failed"},
       {kErrGeneric, "no server runs", ""},
       "",
       ""},
      {"A6_AQuestionToTheConfigurationThatHangsBansNobody",
       "a stopped instance, `postgres -C` hangs, timeout 10 s",
       [](Scene& scene) {
         scene.replace_program("postgres", "#!/bin/sh\nexec sleep 600\n");
         scene.set_meta("timeout", "10000");
       },
       "start",
       server,
       {kErrGeneric, "no server runs", "no end in time"},
       {kDoesNotReturn, "no server runs", ""},
       "Every wait ends before Pacemaker's timeout; a machine that is slow for a while is no wrong configuration.",
       ""},
      {"R401_StopOfAStoppedInstanceIsDone",
       "a primary that was shut down",
       untouched,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kSuccess, "no server runs", ""},
       "",
       ""},
      {"R402_A2_StopOfAPrimaryShutsItDown",
       "a primary with a session",
       [](Scene& scene) {
         running_primary(scene);
         scene.hold<Session>(scene.local.conninfo());
       },
       "stop",
       [](Scene& scene) { return scene.local.control("Database cluster state"); },
       {kSuccess, "shut down", ""},
       {kSuccess, "shut down", ""},
       "",
       ""},
      {"R402_StopOfAStandbyShutsItDown",
       "a standby",
       running_standby,
       "stop",
       [](Scene& scene) { return scene.local.control("Database cluster state"); },
       {kSuccess, "shut down in recovery", ""},
       {kSuccess, "shut down in recovery", ""},
       "",
       ""},
      {"R403_A2_StopOfAKilledPrimaryIsDone",
       "a primary that was killed",
       killed_primary,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kErrGeneric, "no server runs", ""},
       "What does not run is stopped. A stop that fails is a fencing.",
       "#10, #162, #173, #181, #205"},
      {"R403_A2_StopOfAKilledStandbyIsDone",
       "a standby that was killed",
       killed_standby,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kErrGeneric, "no server runs", ""},
       "What does not run is stopped. A stop that fails is a fencing.",
       "#10"},
      {"R403_A2_StopEndsTheOrphansOfAKilledPrimary",
       "a primary whose postmaster was killed, a backend lives on",
       primary_with_orphans,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kErrGeneric, "a server runs that takes no session", ""},
       "Stopped means that no process is left.",
       "#10"},
      {"R403_M3_A2_StopOfAPrimaryKilledInRecoveryIsDone",
       "a primary that was killed during crash recovery",
       killed_in_recovery,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kDoesNotReturn, "no server runs", ""},
       "What does not run is stopped. A stop that fails is a fencing.",
       "#205"},
      {"R403_F07_StopOfASaturatedServerShutsItDown",
       "a primary all of whose connections are taken",
       saturated_primary,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kErrGeneric, "a server runs that takes no session", ""},
       "A stop needs no session.",
       ""},
      {"R403_A6_F15_StopOfAFrozenServerEndsInTimeAndKillsNothing",
       "a frozen postmaster, timeout 1500 ms",
       [](Scene& scene) {
         frozen_primary(scene);
         scene.set_meta("timeout", "1500");
       },
       "stop",
       [](Scene& scene) {
         return std::string(is_alive(scene.local.postmaster()) ? "the postmaster lives" : "it is gone");
       },
       {kErrGeneric, "the postmaster lives", "did not stop in time"},
       {kDoesNotReturn, "the postmaster lives", ""},
       "The reason says what was waited for; what follows is Pacemaker's decision.",
       ""},
      {"F20_StopLeavesAStrangersProcessAlone",
       "a primary that was killed, postmaster.pid names another process",
       [](Scene& scene) {
         killed_primary(scene);
         Start start;
         start.arguments = {"/bin/sleep", "600"};
         start.user = &scratch_user();
         auto text = contents_of(scene.local.data() + "/postmaster.pid");
         text.replace(0, text.find('\n'), std::to_string(scene.hold<Child>(start).pid()));
         write_file(scene.local.data() + "/postmaster.pid", text, 0600);
       },
       "stop",
       [](Scene& scene) {
         return std::string(is_alive(scene.local.postmaster()) ? "the other process lives" : "it was killed");
       },
       {kSuccess, "the other process lives", ""},
       {kErrGeneric, "the other process lives", ""},
       "A server is known by its working directory and program.",
       ""},
      {"F04_A2_StopNeedsNoPgCtl",
       "a primary, pg_ctl stop is killed by a signal",
       stop_by_killed_pg_ctl,
       "stop",
       server,
       {kSuccess, "no server runs", ""},
       {kDoesNotReturn, "a primary runs", ""},
       "A program that was killed has not succeeded.",
       ""},
      {"M1_R404_StopWhereThereIsNoDataDirectoryIsDone",
       "pgdata does not exist",
       [](Scene& scene) { scene.set("pgdata", "/nonexistent"); },
       "stop",
       nullptr,
       {kSuccess, "", ""},
       {kErrArgs, "", ""},
       "A node without the instance does not run it.",
       "#109, #113, #138, #155"},
      {"A2_StopLeavesTheServerOfAContainerAlone",
       "no data directory here, but a server in a container has one of that name",
       server_of_a_container,
       "stop",
       contained_server,
       {kSuccess, "the container's server runs", ""},
       {kErrArgs, "the container's server runs", ""},
       "A node without the instance does not run it.",
       ""},
      {"F18_A2_StopEndsAServerWhoseFileSystemWasUnmounted",
       "a primary whose data directory was unmounted under it",
       [](Scene& scene) { scene.hold<LostFolder>(scene.local); },
       "stop",
       [](Scene& scene) {
         bool runs = false;
         for (const auto pid : processes_in("/")) {
           const auto command = contents_of("/proc/" + std::to_string(pid) + "/cmdline");
           if (command.find(scene.local.data()) != std::string::npos) runs = true;
         }
         return std::string(runs ? "the server runs" : "no server runs");
       },
       {kSuccess, "no server runs", ""},
       {kErrArgs, "the server runs", ""},
       "Stopped means that no process is left.",
       "#113"},
  };
}

}  // namespace pgsqlms::test

// SPDX-License-Identifier: PostgreSQL
// Runs a program as on a kernel that has no pidfd: `without_pidfd PROGRAM [ARGUMENT]...`
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

int main(int /*argc*/, char** argv) {
#ifdef SYS_pidfd_open
  constexpr unsigned kPidfdOpen = SYS_pidfd_open;
#else
  constexpr unsigned kPidfdOpen = 434;
#endif
  std::array<sock_filter, 4> filter = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kPidfdOpen, 0, 1),
                                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return 126;
  execv(argv[1], argv + 1);
  return 126;
}

// SPDX-License-Identifier: PostgreSQL
// What one run of the agent tells Pacemaker: a return code and one sentence.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace pgsqlms::ocf {

/// The return codes of the OCF resource agent API 1.1. To Pacemaker each is a command: ErrGeneric recovers the
/// resource, ErrArgs, ErrPerm and ErrInstalled ban this node, ErrConfigured stops the resource on every node. The agent
/// never answers ErrConfigured.
enum class ReturnCode {
  Success = 0,
  ErrGeneric = 1,
  ErrArgs = 2,
  ErrUnimplemented = 3,
  ErrPerm = 4,
  ErrInstalled = 5,
  ErrConfigured = 6,
  NotRunning = 7,
  RunningPromoted = 8,
  FailedPromoted = 9,
};

/// The outcome of an action. `reason` is empty when there is nothing that a person must know.
struct Answer {
  ReturnCode code = ReturnCode::Success;
  std::string reason;
};

/// A refusal on its way to main(), which turns it into the exit code and the exit reason.
class Failure : public std::exception {
 public:
  explicit Failure(std::string reason) : Failure(ReturnCode::ErrGeneric, std::move(reason)) {}
  Failure(ReturnCode code, std::string reason) : answer_{code, std::move(reason)} {}

  [[nodiscard]] const Answer& answer() const noexcept { return answer_; }
  [[nodiscard]] const char* what() const noexcept override { return answer_.reason.c_str(); }

 private:
  Answer answer_;
};

}  // namespace pgsqlms::ocf

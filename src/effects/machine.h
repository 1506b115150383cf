// What all machines have in common: a state that only its own room looks into, and one step under way.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "effects/context.h"
#include "effects/words.h"

namespace doze {

/// A machine's state. Its struct is complete in the sources of the machine's room alone, and only these make one.
template <class Inside>
using Hidden = std::unique_ptr<Inside, void (*)(Inside*)>;
template <class Inside>
[[nodiscard]] Hidden<Inside> make_hidden() {
  return {new Inside, [](Inside* inside) { delete inside; }};
}

/// One step under way: the state, what it may know, what it says. Each room's Work derives from it.
template <class Inside>
struct WorkOn {
  Inside& state;
  const Context& context;
  Effects& out;

  void say(Effect effect) { out.push_back(std::move(effect)); }
  void send(const NodeId& peer, wire::Message message) { say(SendMessage{peer, std::move(message)}); }
  void notify(Severity severity, Event event, Fields facts) { say(Notify{severity, event, std::move(facts)}); }
  void reply(RequestId request, std::variant<Value, CommandError> result) { say(Reply{request, std::move(result)}); }
  void refuse(RequestId request, CommandErrorCode code, std::string why) {
    say(Reply{request, CommandError{code, std::move(why), {}}});
  }
};

/// The earliest of the times that it was given.
class Earliest {
 public:
  void consider(const std::optional<MonoTime>& time) {
    if (time && (!time_ || *time < *time_)) time_ = time;
  }
  /// The first of `due`, which goes by time.
  void consider_first(const auto& due) {
    if (!due.empty()) consider(due.begin()->first);
  }
  /// nullopt: it was given none.
  [[nodiscard]] std::optional<MonoTime> time() const { return time_; }

 private:
  std::optional<MonoTime> time_;
};

}  // namespace doze

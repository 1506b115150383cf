#include "app/log_limits.h"

#include <algorithm>
#include <optional>

namespace doze::app {

namespace {
constexpr std::uint64_t kLine = 60'000;  // thousandths of what one line per minute gives in a second: no fractions
const std::string kStrangers = "strangers";

const std::string* text_of(const Fields& facts, std::string_view field) {
  for (const auto& [name, value] : facts)
    if (name == field) return std::get_if<std::string>(&value.inner());
  return nullptr;
}
const std::string* source_of(const Fields& facts) {
  for (const auto* field : {"node_id", "peer", "from", "client", "address"})
    if (const auto* found = text_of(facts, field)) return found;
  return nullptr;
}
bool has_channel(const Fields& facts) {
  for (const auto& [name, value] : facts)
    if (name == "has_channel")
      if (const auto* flag = std::get_if<bool>(&value.inner())) return *flag;
  return false;
}
}  // namespace

bool LogLimits::Bucket::take(const LogRate& rate, MonoTime now) {
  auto most = rate.burst * kLine;
  thousandths = std::min(most, thousandths + std::min((now.value() - at.value()) * rate.per_minute, most));
  at = now;
  if (thousandths < kLine) {
    ++left_out;
    return false;
  }
  thousandths -= kLine;
  return true;
}

LogLimits::Bucket& LogLimits::bucket_of(const std::string& source, const LogRate& rate, MonoTime now) {
  auto [it, fresh] = buckets_.try_emplace(source);
  auto& bucket = it->second;
  if (fresh) {
    bucket.thousandths = rate.burst * kLine;
    bucket.at = now;
    bucket.order = order_.insert(order_.end(), &it->first);
    if (buckets_.size() > kMaxLogSources) {
      buckets_.erase(buckets_.find(*order_.front()));
      order_.pop_front();
    }
  } else {
    order_.splice(order_.end(), order_, bucket.order);
  }
  return bucket;
}

bool LogLimits::is_familiar(const std::string& source, const Notify& event) {
  if (event.event == "peer_connected" && has_channel(event.facts)) with_channel_.insert(source);
  bool familiar = with_channel_.contains(source);
  if (event.event == "peer_disconnected") with_channel_.erase(source);
  return familiar;
}

std::vector<Notify> LogLimits::admit(Notify event, MonoTime now, bool writes) {
  if (event.severity == Severity::Error) return {std::move(event)};
  const auto* source = source_of(event.facts);
  bool familiar = source != nullptr && is_familiar(*source, event);
  if (!writes) return {};
  std::vector<Notify> out;
  auto passes = [&](const std::string& name, const LogRate& rate) {
    auto& bucket = bucket_of(name, rate, now);
    if (!bucket.take(rate, now)) return false;
    if (auto count = std::exchange(bucket.left_out, 0); count != 0)
      out.push_back({Severity::Warning, kLeftOut, {{"of", name}, {"lines", count}}});
    return true;
  };
  if (source == nullptr) {
    if (!passes("event " + std::string(event.event.name()), kLinesOfKind)) return {};
  } else {
    if (!passes(*source, kLinesOfPeer) || (!familiar && !passes(kStrangers, kLinesOfStrangers))) return {};
  }
  out.push_back(std::move(event));
  return out;
}

}  // namespace doze::app

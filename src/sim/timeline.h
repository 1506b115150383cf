// A run for people to read: which nodes start and crash, what they report, which messages pass.
#pragma once

#include "sim/world.h"

namespace doze::sim {

class Timeline final : public Watcher {
 public:
  /// Writes into `lines`, which outlives it.
  Timeline(World& world, std::vector<std::string>& lines);
  ~Timeline() override;
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  void delivered(const WireMessage& message) override;
  void went_wrong(const WireMessage& message, const std::string& how) override;
  void notified(std::size_t node, const Notify& notify) override;
  void happened(std::size_t node, const std::string& what) override;
  void tell(const std::string& line);

 private:
  /// "S -> L  update_add_htlc 0: 1000 msat, expiry 357, hold"; empty: it would hide the story.
  [[nodiscard]] std::string describe(const WireMessage& message) const;

  World& world_;
  std::vector<std::string>& lines_;
};

}  // namespace doze::sim

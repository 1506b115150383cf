// bench [FILTER...] [--rounds N] [--quick] [--recipients N] [--folder F] [--markdown F] [--plain] [--list]
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>

#include "bench.h"
#include "crypto/crypto.h"

namespace bench {

void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "bench: %s\n", what);
  std::abort();
}

void BenchNode::add_channel(const NodeId& peer, std::uint8_t number) {
  ChannelView channel;
  channel.channel_id.bytes.fill(number);
  channel.peer = peer;
  channel.phase = ChannelPhase::Normal;
  channel.usable = true;
  channel.scid = ShortChannelId::of(number, 1, 0);
  channel.receivable = Msat(900'000'000);
  PolicyPair both;
  both.remote = ChannelPolicy{Msat(1000), 100, CltvDelta(72), Msat(1), Msat(900'000'000), false};
  policies.insert_or_assign(channel.channel_id, both);
  channels.insert_or_assign(channel.channel_id, channel);
}

namespace {

double now_us(bool disk) {
  timespec time{};
  clock_gettime(disk ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

double at(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(static_cast<double>(values.size()) * part))];
}

struct Measured {
  std::vector<double> floor, ours, ratio;  // one a round; us
};

/// Points that nobody asks for again: what crypto/ has kept of the last ones is gone.
void forget_points() {
  static const auto points = [] {
    std::vector<PublicKey> out;
    SeededRng rng(77);
    for (int i = 0; i < 1024; ++i) out.push_back(crypto::public_key(fresh_key(rng)));
    return out;
  }();
  for (const auto& point : points) must(crypto::is_valid(point), "a point is none");
}

Measured measure(const Row& row, const Options& options) {
  auto sides = row.make(options);
  Measured out;
  auto rounds = options.rounds + 1;  // the first one warms up
  for (std::size_t round = 0; round < rounds; ++round) {
    if (sides.fresh) sides.fresh();
    if (!row.disk) forget_points();
    double floor = 0, ours = 0;
    auto one = [&](bool floors, std::size_t first, std::size_t end) {
      auto& side = floors ? sides.floor : sides.ours;
      auto began = now_us(row.disk);
      for (auto i = first; i < end; ++i) side(i);
      (floors ? floor : ours) += now_us(row.disk) - began;
    };
    // Both sides in turn, in pieces, each first in every other round: what else runs here hits both.
    auto piece = std::max<std::size_t>(1, sides.operations / 8);
    for (std::size_t i = 0; i < sides.operations; i += piece) {
      auto end = std::min(sides.operations, i + piece);
      one(round % 2 == 0, i, end);
      one(round % 2 != 0, i, end);
    }
    if (round == 0 && rounds > 1) continue;
    auto count = static_cast<double>(sides.operations);
    out.floor.push_back(floor / count);
    out.ours.push_back(ours / count);
    out.ratio.push_back(ours / floor);
  }
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f" : value < 1000 ? "%.1f" : "%.0f", value);
  return text;
}

struct Line {
  std::string name, floor, ours, best, ratio, spread, goal, met;
};
Line line_of(const Row& row, const Measured& m) {
  auto ratio = at(m.ratio, 0.5);
  char text[64], spread[64], goal[16] = "–";
  std::snprintf(text, sizeof text, ratio < 0.1 ? "%.4f" : "%.3f", ratio);
  std::snprintf(spread, sizeof spread, "%.3f–%.3f", at(m.ratio, 0.1), at(m.ratio, 0.9));
  if (row.goal > 0) std::snprintf(goal, sizeof goal, "%.2f", row.goal);
  return {row.name,
          number(at(m.floor, 0.5)),
          number(at(m.ours, 0.5)),
          number(at(m.floor, 0.1)) + " / " + number(at(m.ours, 0.1)),
          text,
          spread,
          goal,
          row.goal == 0       ? ""
          : ratio <= row.goal ? "yes"
                              : "**no**"};
}

void print_plain(const Row& row, const Measured& m) {
  for (std::size_t round = 0; round < m.ours.size(); ++round)
    std::printf("%s %.3f %.3f\n", row.name.c_str(), m.floor[round], m.ours[round]);
  std::fflush(stdout);
}

struct Sized {
  Growth grows = Growth::Logarithmic;
  std::map<std::size_t, double> costs;  // best tenth, us: what else runs here must not look like growth
};
struct Grown {
  std::string text;
  bool good = true;
};
Grown grown(const std::string& name, const Sized& sized) {
  Grown out{"`" + name + "`: ", true};
  for (auto it = sized.costs.begin(); it != sized.costs.end(); ++it)
    out.text +=
        (it == sized.costs.begin() ? "" : ", ") + std::to_string(it->first) + " → " + number(it->second) + " µs";
  if (sized.grows != Growth::Linear) {
    auto factor = sized.costs.rbegin()->second / sized.costs.begin()->second;
    auto most = sized.grows == Growth::Constant ? 1.3 : 2.0;
    out.good = factor <= most;
    out.text += "; last / first " + number(factor) + ", at most " + number(most);
    return out;
  }
  // What one more costs, between each two sizes.
  double before = 0;
  for (auto it = sized.costs.begin(), next = std::next(it); next != sized.costs.end(); it = next++) {
    auto each = (next->second - it->second) / static_cast<double>(next->first - it->first);
    out.text += (before == 0 ? "; each more costs " : ", then ") + number(each);
    out.good = out.good && (before == 0 || each <= 1.15 * before);
    before = each;
  }
  out.text += sized.costs.size() < 3 ? " µs: not judged" : " µs, at most 1.15 times the one before";
  return out;
}

int run(const Options& options, const std::vector<std::string>& filters, const std::string& markdown, bool list) {
  std::vector<Row> rows;
  for (auto more : {onion_rows(), invoice_rows(options), channel_rows(), gossip_rows(), store_rows(options)})
    rows.insert(rows.end(), more.begin(), more.end());
  auto picks = [&](const std::string& filter, const Row& row) {
    bool whole = std::any_of(rows.begin(), rows.end(), [&](const Row& each) { return each.name == filter; });
    return whole ? row.name == filter : row.name.starts_with(filter);
  };
  std::vector<Row> picked;
  for (const auto& row : rows)
    if (filters.empty() ||
        std::any_of(filters.begin(), filters.end(), [&](const std::string& filter) { return picks(filter, row); }))
      picked.push_back(row);
  rows = std::move(picked);
  if (rows.empty()) {
    std::fprintf(stderr, "bench: no row has such a name: see --list\n");
    return 1;
  }
  if (list) {
    for (const auto& row : rows) std::printf("%s\n", row.name.c_str());
    return 0;
  }
  if (options.plain) {
    for (const auto& row : rows) print_plain(row, measure(row, options));
    return 0;
  }
  std::string table =
      "| row | floor | ours | best p10, floor / ours | ours / floor | p10–p90 | goal | met |\n"
      "|---|---|---|---|---|---|---|---|\n";
  std::printf("%s; %zu rounds; us an operation, median\n", crypto::versions(), options.rounds);
  std::printf("%-22s%10s%10s%20s%9s%15s%7s\n", "", "floor", "ours", "best p10", "ratio", "p10-p90", "goal");
  std::map<std::string, Sized> by_size;
  for (const auto& row : rows) {
    auto measured = measure(row, options);
    auto line = line_of(row, measured);
    std::printf("%-22s%10s%10s%20s%9s%17s%7s  %s\n", line.name.c_str(), line.floor.c_str(), line.ours.c_str(),
                line.best.c_str(), line.ratio.c_str(), line.spread.c_str(), line.goal.c_str(),
                line.met == "**no**" ? "MISSED" : line.met.c_str());
    std::fflush(stdout);
    table += "| `" + line.name + "` | " + line.floor + " | " + line.ours + " | " + line.best + " | " + line.ratio +
             " | " + line.spread + " | " + line.goal + " | " + line.met + " |\n";
    if (row.growth.empty()) continue;
    by_size[row.growth].grows = row.grows;
    by_size[row.growth].costs[row.size] = at(measured.ours, 0.1);
  }
  std::erase_if(by_size, [](const auto& entry) { return entry.second.costs.size() < 2; });
  if (!by_size.empty()) table += "\nGrowth of ours, of the best tenth:\n\n";
  for (const auto& [name, sized] : by_size) {
    auto [text, good] = grown(name, sized);
    std::printf("growth: %s  %s\n", text.c_str(), good ? "yes" : "MISSED");
    table += "- " + text + (good ? ": yes" : ": **no**") + "\n";
  }
  if (!markdown.empty())
    std::ofstream(markdown) << crypto::versions() << "; " << options.rounds
                            << " interleaved rounds; µs an operation, medians.\n\n"
                            << table;
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  std::vector<std::string> filters;
  std::string markdown;
  bool list = false;
  auto usage = [] {
    std::fprintf(
        stderr,
        "bench [ROW...] [--rounds N] [--quick] [--recipients N] [--folder F] [--markdown F] [--plain] [--list]\n"
        "ROW: a row, or rows whose names begin so; all if none is given\n");
    return 2;
  };
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    auto value = [&]() -> const char* { return i + 1 < argc ? argv[++i] : ""; };
    auto count = [&](std::size_t& out) {
      std::string_view text = value();
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
      return error == std::errc() && end == text.data() + text.size() && out != 0;
    };
    if (word == "--quick") {
      options.quick = true;
    } else if (word == "--plain") {
      options.plain = true;
    } else if (word == "--list") {
      list = true;
    } else if (word == "--folder") {
      options.folder = value();
    } else if (word == "--markdown") {
      markdown = value();
    } else if (word == "--rounds") {
      if (!count(options.rounds)) return usage();
    } else if (word == "--recipients") {
      if (!count(options.recipients)) return usage();
    } else if (word.starts_with("-")) {
      return usage();
    } else {
      filters.emplace_back(word);
    }
  }
  return bench::run(options, filters, markdown, list);
}

// One seed or many: the async flow under faults. The same seed gives the same trace hash.
// --record: one payment as test vectors, on standard output.
// --enumerate: the flow once for each message, commit and deadline, disturbed exactly there.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "sim/conversation.h"
#include "sim/enumerate.h"
#include "sim/fault_run.h"

namespace {

using namespace doze::sim;
using Number = unsigned long long;

void tell_endings(const std::map<std::string, std::uint64_t>& endings) {
  for (const auto& [limit, count] : endings)
    std::printf("  %llu ended by a limit that was exceeded: %s\n", static_cast<Number>(count), limit.c_str());
}

int seeds(std::uint64_t first, std::uint64_t last, bool verbose) {
  std::uint64_t settled = 0, payments = 0, failed = 0;
  std::map<std::string, std::uint64_t> endings;
  for (auto seed = first; seed <= last; ++seed) {
    auto result = fault_run(seed);
    settled += result.settled;
    payments += result.payments;
    for (const auto& [limit, count] : result.endings) endings[limit] += count;
    if (verbose)
      for (const auto& line : result.story) std::printf("%s\n", line.c_str());
    if (!result.problems.empty()) {
      ++failed;
      std::printf("seed %llu: FAILED (again with: ./run sim %llu)\n", static_cast<Number>(seed),
                  static_cast<Number>(seed));
      for (const auto& problem : result.problems) std::printf("  %s\n", problem.c_str());
    }
    if (verbose) std::printf("trace %s\n", result.trace_hash.c_str());
  }
  std::printf("%llu seeds, %llu payments, %llu settled, %llu seeds failed\n", static_cast<Number>(last - first + 1),
              static_cast<Number>(payments), static_cast<Number>(settled), static_cast<Number>(failed));
  tell_endings(endings);
  return failed == 0 ? 0 : 1;
}

/// Every cut and crash; of the blocks, which are eight times as many, every `block_stride`-th.
int enumerate(std::size_t block_stride) {
  struct Kind {
    const char* name;
    Where where;
  };
  std::uint64_t failed = 0;
  for (const auto& [network, settings] : {std::pair{"ldk", AsyncSettings{}},
                                          {"draft", AsyncSettings{doze::Profile::Draft}},
                                          {"ldk, one LSP", AsyncSettings{doze::Profile::Ldk, true, true}}}) {
    auto long_hold = flow_start(settings);
    auto short_settings = settings;
    short_settings.hold_window_blocks = 12;
    auto short_hold = flow_start(short_settings);
    for (auto kind :
         {Kind{"a cut after each message", Where::Messages}, Kind{"a crash before each commit", Where::BeforeCommits},
          Kind{"a crash after each commit", Where::AfterCommits}, Kind{"blocks after each message", Where::Blocks}}) {
      const auto& start = kind.where == Where::Blocks ? short_hold : long_hold;
      std::uint64_t runs = 0, settled = 0;
      std::map<std::string, std::uint64_t> endings;
      for (const auto& disturbance : disturbances(start, kind.where, kind.where == Where::Blocks ? block_stride : 1)) {
        auto result = run_flow(start, disturbance);
        ++runs;
        settled += result.settled ? 1 : 0;
        if (!result.settled) ++endings[result.ending];
        failed += result.problems.empty() ? 0 : 1;
        for (const auto& problem : result.problems) std::printf("  %s: %s\n", network, problem.c_str());
      }
      std::printf("%s, %s: %llu runs, %llu settled\n", network, kind.name, static_cast<Number>(runs),
                  static_cast<Number>(settled));
      tell_endings(endings);
      std::fflush(stdout);
    }
  }
  std::printf("%llu runs failed\n", static_cast<Number>(failed));
  return failed == 0 ? 0 : 1;
}

/// JSON as in vectors/: an indented line for each value.
void write_json(const doze::Value& value, std::size_t depth, std::string& out) {
  const auto& inner = value.inner();
  auto indent = "\n" + std::string(depth + 1, ' ');
  if (const auto* text = std::get_if<std::string>(&inner)) {
    out += "\"";
    for (char c : *text) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);  // our own text and hex: nothing else needs escaping
    }
    out += "\"";
  } else if (const auto* list = std::get_if<doze::List>(&inner)) {
    out += "[";
    for (std::size_t i = 0; i < list->size(); ++i) {
      out += (i == 0 ? "" : ",") + indent;
      write_json((*list)[i], depth + 1, out);
    }
    out += (list->empty() ? "" : "\n" + std::string(depth, ' ')) + "]";
  } else if (const auto* fields = std::get_if<doze::Fields>(&inner)) {
    out += "{";
    for (std::size_t i = 0; i < fields->size(); ++i) {
      out += (i == 0 ? "" : ",") + indent + "\"" + (*fields)[i].first + "\": ";
      write_json((*fields)[i].second, depth + 1, out);
    }
    out += (fields->empty() ? "" : "\n" + std::string(depth, ' ')) + "}";
  } else if (const auto* flag = std::get_if<bool>(&inner)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<std::uint64_t>(&inner)) {
    out += std::to_string(*number);
  } else {
    out += "null";
  }
}

int record(const char* profile) {
  auto conversation =
      record_conversation(std::strcmp(profile, "draft") == 0 ? doze::Profile::Draft : doze::Profile::Ldk);
  if (conversation.find("cases") == nullptr) {
    std::fprintf(stderr, "the payment did not settle: nothing is recorded\n");
    return 1;
  }
  std::string out;
  write_json(conversation, 0, out);
  std::printf("%s\n", out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 3 && std::strcmp(argv[1], "--seed") == 0) {
    auto seed = std::strtoull(argv[2], nullptr, 10);
    return seeds(seed, seed, true);
  }
  if (argc >= 3 && std::strcmp(argv[1], "--seeds") == 0) {
    char* end = nullptr;
    auto first = std::strtoull(argv[2], &end, 10);
    return seeds(first, std::strncmp(end, "..", 2) == 0 ? std::strtoull(end + 2, nullptr, 10) : first, false);
  }
  if (argc >= 3 && std::strcmp(argv[1], "--record") == 0) return record(argv[2]);
  if (argc >= 2 && std::strcmp(argv[1], "--enumerate") == 0)
    return enumerate(argc >= 3 ? std::strtoull(argv[2], nullptr, 10) : 13);
  std::fprintf(stderr,
               "usage: doze_sim --seed N | --seeds FIRST..LAST | --enumerate [BLOCK_STRIDE] | --record ldk|draft\n");
  return 1;
}

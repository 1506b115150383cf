// fuzz_short: every target with its seeds, each seed cut at every byte, its corpus, and a fixed number of seeded
// mutations. The same program makes the first corpus of the real fuzzers, packs theirs, and runs one input again.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "corpus.h"

namespace doze::fuzz {
namespace {

/// Longer seeds are cut at their first and last bytes and in steps between.
constexpr std::size_t kCutEverywhere = 512, kCuts = 256;

const Target* current = nullptr;
const Bytes* current_input = nullptr;

/// splitmix64: the same numbers everywhere.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : static_cast<std::size_t>(next() % limit); }

 private:
  std::uint64_t state_;
};

void mutate(Bytes& bytes, const Seeds& seeds, Chance& chance) {
  static constexpr std::uint8_t kBytes[] = {0, 1, 2, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff};
  auto at = chance.below(bytes.size() + 1);
  auto left = bytes.size() - at;
  auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (chance.below(9)) {
    case 0:
    case 1:  // one bit
      if (left != 0) *here = static_cast<std::uint8_t>(*here ^ (1U << chance.below(8)));
      break;
    case 2:  // a byte that lengths and versions care about
      if (left != 0) *here = kBytes[chance.below(std::size(kBytes))];
      break;
    case 3:  // one more or less
      if (left != 0) *here = static_cast<std::uint8_t>(*here + (chance.below(2) == 0 ? 1 : 255));
      break;
    case 4: {  // bytes more
      Bytes more(1 + chance.below(8));
      for (auto& byte : more)
        byte =
            chance.below(2) == 0 ? kBytes[chance.below(std::size(kBytes))] : static_cast<std::uint8_t>(chance.next());
      bytes.insert(here, more.begin(), more.end());
      break;
    }
    case 5:  // bytes less
      bytes.erase(here, here + static_cast<std::ptrdiff_t>(std::min(left, 1 + chance.below(16))));
      break;
    case 6: {  // a piece twice
      Bytes piece(here, here + static_cast<std::ptrdiff_t>(std::min(left, 1 + chance.below(64))));
      bytes.insert(here, piece.begin(), piece.end());
      break;
    }
    case 7:  // the end gone
      if (chance.below(4) == 0) bytes.resize(at);
      break;
    default: {  // the end of another seed
      const auto& other = seeds[chance.below(seeds.size())];
      auto from = chance.below(2) == 0 ? std::min(at, other.size()) : chance.below(other.size() + 1);
      bytes.resize(at);
      append(bytes, ByteView(other).subspan(from));
      break;
    }
  }
}

/// Says where the input is that broke an invariant. Called from a signal handler: the process ends behind it anyway.
void tell() {
  if (current == nullptr || current_input == nullptr) return;
  char name[200];
  std::snprintf(name, sizeof name, "fuzz-finding-%s", current->name);
  if (FILE* file = std::fopen(name, "wb"); file != nullptr) {
    std::fwrite(current_input->data(), 1, current_input->size(), file);
    std::fclose(file);
  }
  std::fprintf(stderr, "fuzz_short: %s: a finding of %zu bytes: run it again with: fuzz_short --run %s %s\n",
               current->name, current_input->size(), name, current->name);
}
extern "C" void on_signal(int number) {
  tell();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void run(const Target& target, const Bytes& input) {
  current = &target;
  current_input = &input;
  // A copy of exactly this size: a read behind it is seen by the sanitizers.
  auto* copy = static_cast<std::uint8_t*>(std::malloc(input.size() + (input.empty() ? 1 : 0)));
  if (!input.empty()) std::memcpy(copy, input.data(), input.size());
  target.run(copy, input.size());
  std::free(copy);
}

std::size_t run_all(const Target& target, std::uint64_t seed, std::size_t times) {
  auto seeds = target.seeds();
  FUZZ_CHECK(!seeds.empty());
  auto corpus = fuzz::corpus(target.name);
  std::size_t runs = 0;
  auto go = [&](const Bytes& input) {
    run(target, input);
    ++runs;
  };
  go({});
  for (const auto& each : seeds) {
    go(each);
    if (each.size() <= kCutEverywhere && seeds.size() <= 64) {
      for (std::size_t cut = 0; cut < each.size(); ++cut) go(Bytes(each.begin(), each.begin() + static_cast<int>(cut)));
    } else {
      auto cuts = seeds.size() <= 64 ? kCuts : 16;
      for (std::size_t i = 0; i < cuts; ++i)
        go(Bytes(each.begin(), each.begin() + static_cast<int>(i * each.size() / cuts)));
    }
  }
  for (const auto& each : corpus) go(each);
  add(seeds, std::move(corpus));
  Chance chance(seed);
  for (const char* c = target.name; *c != 0; ++c) chance = Chance(chance.next() + static_cast<unsigned char>(*c));
  for (std::size_t round = 0; round < target.rounds * times; ++round) {
    auto input = seeds[chance.below(seeds.size())];
    for (auto changes = 1 + chance.below(4); changes > 0; --changes) mutate(input, seeds, chance);
    go(input);
  }
  return runs;
}

void write_seeds(const std::filesystem::path& folder) {
  for (const auto& target : targets()) {
    auto place = folder / target.name;
    std::filesystem::create_directories(place);
    auto all = target.seeds();
    add(all, corpus(target.name));
    std::size_t number = 0;
    for (const auto& seed : all) {
      std::ofstream out(place / ("seed-" + std::to_string(number++)), std::ios::binary);
      out.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
    }
  }
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The files of a folder as a corpus file: short ones first, and no more than `most` characters.
void pack(const std::filesystem::path& folder, std::size_t most) {
  std::vector<std::string> lines;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (auto bytes = read_file(file.path()); !bytes.empty()) lines.push_back(to_hex(bytes));
  std::sort(lines.begin(), lines.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  for (const auto& line : lines) {
    if (line.size() + 1 > most) return;
    most -= line.size() + 1;
    std::puts(line.c_str());
  }
}

const Target* find(const std::string& name) {
  for (const auto& target : targets())
    if (name == target.name) return &target;
  return nullptr;
}

int main_of(const std::vector<std::string>& arguments) {
  std::uint64_t seed = 1;
  std::size_t times = 1;
  std::string input;
  std::vector<const Target*> wanted;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    bool more = i + 1 < arguments.size();
    if (argument == "--list") {
      for (const auto& target : targets()) std::puts(target.name);
      return 0;
    }
    if (argument == "--write-seeds" && more) {
      write_seeds(arguments[i + 1]);
      return 0;
    }
    if (argument == "--pack" && i + 2 < arguments.size()) {
      pack(arguments[i + 1], std::strtoull(arguments[i + 2].c_str(), nullptr, 10));
      return 0;
    }
    if (argument == "--seed" && more) {
      seed = std::strtoull(arguments[++i].c_str(), nullptr, 10);
    } else if (argument == "--times" && more) {
      times = std::strtoull(arguments[++i].c_str(), nullptr, 10);
    } else if (argument == "--run" && more) {
      input = arguments[++i];
    } else if (const auto* target = find(argument)) {
      wanted.push_back(target);
    } else {
      std::fprintf(
          stderr,
          "usage: fuzz_short [--seed N] [--times N] [--run FILE] [TARGET...] | --list | --write-seeds FOLDER | "
          "--pack FOLDER CHARACTERS\n");
      return 2;
    }
  }
  if (wanted.empty())
    for (const auto& target : targets()) wanted.push_back(&target);
  for (int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, on_signal);
  if (!input.empty()) {
    auto bytes = read_file(input);
    for (const auto* target : wanted) run(*target, bytes);
    return 0;
  }
  std::size_t all = 0;
  for (const auto* target : wanted) {
    auto start = std::chrono::steady_clock::now();
    auto runs = run_all(*target, seed, times);
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-22s %8zu inputs %6lld ms\n", target->name, runs, static_cast<long long>(ms));
    std::fflush(stdout);
    all += runs;
  }
  std::printf("%zu targets, %zu inputs, no finding\n", wanted.size(), all);
  return 0;
}

}  // namespace
}  // namespace doze::fuzz

int main(int count, char** values) {
  try {
    return doze::fuzz::main_of({values + 1, values + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz_short: an exception left a target: %s\n", error.what());
    doze::fuzz::tell();
    return 1;
  }
}

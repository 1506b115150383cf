// attacker COMMAND NAME=VALUE …: one attack against a node of our own on this machine. doc/ATTACKS.md has what for.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "peer.h"

namespace {

using namespace doze::attack;

/// No attack takes longer, whatever hangs.
constexpr unsigned kLongestS = 3'600;

struct Attack {
  const char* name;
  Numbers (*run)(const Arguments&);
  const char* help;
};
constexpr Attack kAttacks[] = {
    {"pings", pings, "to=ID@PORT [connections] [pings] [bytes] [then=read|half-close|close|stay] [seconds]"},
    {"silent", silent, "port=PORT rate=PER_SECOND seconds=S [spread=ADDRESSES]"},
    {"openings", openings, "to=ID@PORT [count]: open_channel, then error"},
    {"unfunded", unfunded, "to=ID@PORT [ids] [each]: funding_created for outputs that do not exist"},
    {"questions", questions, "to=ID@PORT kind=filter|range|ids [count] [scid]"},
    {"crowd", crowd, "to=ID@PORT offer=LNO [connections] [handshakes] [seconds] [again=1]: everything at a time"},
    {"requests", requests, "to=ID@PORT offer=LNO [count] [introduction=ID] [unfunded=1]: invoice_requests"},
    {"announcements", announcements, "to=ID@PORT offer=LNO [ids] [each] [introduction=ID|none] [listen=S]"},
    {"releases", releases, "to=ID@PORT promises=HEX,HEX…: release_held_htlc over the paths of revoke_and_acks"},
    {"onion", onion, "first=ID last=ID scid=N amount=MSAT expiry=HEIGHT hash=HEX payload=HEX: prints a packet"},
    {"middle", middle, "listen=PORT to=PORT dialled=KEY dialler=KEY: every message through stdin and stdout"},
    {"graph", graph, "folder=DIR channels=N self=ID: writes a graph that nobody announced into a node's database"},
};

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  ::alarm(kLongestS);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  for (const auto& attack : kAttacks) {
    if (count < 2 || std::string(words[1]) != attack.name) continue;
    try {
      auto numbers = attack.run(Arguments(count - 2, words + 2));
      std::string out;
      for (const auto& [name, value] : numbers)
        out += (out.empty() ? "" : ", ") + ("\"" + name + "\": " + std::to_string(value));
      std::printf("{%s}\n", out.c_str());
      return 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "attacker %s: %s\n", attack.name, error.what());
      return 1;
    }
  }
  for (const auto& attack : kAttacks) std::printf("attacker %s %s\n", attack.name, attack.help);
  return count < 2 ? 0 : 1;
}

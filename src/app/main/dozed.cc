// The program `dozed`: the daemon.
#include <cstdio>
#include <cstring>
#include <string>

#include "app/daemon.h"
#include "app/datadir.h"
#include "app/process.h"
#include "base/version.h"
#include "crypto/crypto.h"

int main(int argc, char** argv) {
  std::string datadir = doze::app::default_datadir(), record;
  bool debuggable = false;
  for (int i = 1; i < argc; ++i) {
    bool valued = std::strcmp(argv[i], "--datadir") == 0 || std::strcmp(argv[i], "--record") == 0;
    if (valued && i + 1 == argc) {
      std::fprintf(stderr, "dozed: %s needs a %s\n", argv[i],
                   std::strcmp(argv[i], "--record") == 0 ? "file" : "folder");
      return 2;
    }
    if (std::strcmp(argv[i], "--datadir") == 0) {
      datadir = argv[++i];
    } else if (std::strcmp(argv[i], "--record") == 0) {
      record = argv[++i];
    } else if (std::strcmp(argv[i], "--debuggable") == 0) {
      debuggable = true;
    } else if (std::strcmp(argv[i], "--help") == 0 || std::strcmp(argv[i], "-h") == 0) {
      std::printf(
          "dozed [--datadir DIR] [--debuggable] [--record FILE] [--version]\n\nRuns the node in DIR (default: "
          "$DOZE_DIR, "
          "else ~/.doze). Create one with: doze init\n"
          "It logs to stdout and stops on SIGTERM, SIGINT or `doze stop`. SIGHUP only writes a line to the log.\n"
          "--debuggable allows core files and debuggers. By default neither is possible, because both show the keys.\n"
          "--record FILE (regtest only) also writes each message to and from peers to FILE, one line of JSON per "
          "message.\n");
      return 0;
    } else if (std::strcmp(argv[i], "--version") == 0) {
      std::printf("dozed %s (%s)\n", doze::kVersion, doze::crypto::versions());
      return 0;
    } else {
      std::fprintf(stderr, "dozed: unknown argument '%s': see dozed --help\n", argv[i]);
      return 2;
    }
  }
  if (!debuggable)
    if (auto hidden = doze::app::hide_memory(); !hidden) {
      std::fprintf(stderr, "dozed: %s\n", hidden.error().c_str());
      return 1;
    }
  if (auto blinded = doze::app::blind_curve(); !blinded) {
    std::fprintf(stderr, "dozed: %s\n", blinded.error().c_str());
    return 1;
  }
  return doze::app::run_daemon(datadir, record);
}

// Every command of the command line once: help, man pages, completion and the reading of arguments come from here.
#pragma once

#include <string>
#include <vector>

#include "api/methods.h"

namespace doze::cli {

struct Command {
  api::Method method;                 // its name may be two words: "create offer"
  bool offline = false;               // needs no daemon
  std::string details;                // paragraphs for `doze help COMMAND` and the man page
  std::vector<std::string> examples;  // whole command lines, at least one
};

/// Those that need no daemon first, then those of the API.
[[nodiscard]] const std::vector<Command>& commands();
/// The command that the words begin with; `used`: how many of them its name takes.
[[nodiscard]] const Command* find_command(const std::vector<std::string>& words, std::size_t* used);
/// The name of its man page: "create-offer".
[[nodiscard]] std::string page_name(const Command& command);
/// The values that an option allows, for completion; empty: any value.
[[nodiscard]] std::vector<std::string> choices(const Command& command, const api::Param& param);

// ---- texts made from the table ----
[[nodiscard]] std::string usage(const Command& command);
[[nodiscard]] std::string help();
[[nodiscard]] std::string help(const Command& command);
/// The commands whose name begins with this word and has a second one, a line each; empty: there are none.
[[nodiscard]] std::string help_of_group(const std::string& word);
/// One line of JSON: name, summary and usage of each command.
[[nodiscard]] std::string help_for_programs();
/// troff; nullptr: the page of doze itself.
[[nodiscard]] std::string man_page(const Command* command);
/// For "bash", "zsh" or "fish"; empty for anything else.
[[nodiscard]] std::string completion(const std::string& shell);

}  // namespace doze::cli

// Help, man pages and completion from the table of commands.
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "api/json.h"
#include "base/version.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/tables.h"

namespace doze::cli {

namespace {

using api::Kind;

/// An option as the help shows it: amounts without the unit in the name, because the unit follows the number.
std::string shown_flag(const api::Param& param) {
  return unitless_flag_of(param).value_or(flag_of(param.name));
}
std::string shown_kind(const api::Param& param) {
  bool amount = param.kind == Kind::Msat || param.kind == Kind::Sat || param.kind == Kind::SatOrAll;
  return amount ? "amount" : api::name(param.kind);
}
/// Lines of at most 100 characters.
std::string wrapped(const std::string& text) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find(' ', at), text.size());
    if (column != 0) {
      bool fits = column + 1 + end - at <= 100;
      out += fits ? " " : "\n";
      column = fits ? column + 1 : 0;
    }
    out += text.substr(at, end - at);
    column += end - at;
    at = end + 1;
  }
  return out;
}
bool has_amounts(const Command& command) {
  const auto& params = command.method.params;
  return std::any_of(params.begin(), params.end(), [](const auto& param) { return shown_kind(param) == "amount"; });
}
constexpr const char* kAmounts =
    "Amounts need a unit: 250sat, 0.0001btc, 250000msat. A bare number is refused, except after an option that names "
    "the unit, such as --amount-msat 250000. In JSON amounts are whole numbers in the unit of the field's name.";

/// For troff: hyphens that can be copied, no lines that look like requests.
std::string troff(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'' && out.empty())
      out += "\\&'";
    else
      out.push_back(c);
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string quoted(const std::string& text, char quote) {
  std::string out;
  for (char c : text) {
    if (c == quote)
      out += quote == '\'' ? "'\\''" : "\\\"";
    else
      out.push_back(c);
  }
  return out;
}

std::vector<std::string> options_of(const Command& command) {
  std::vector<std::string> out;
  for (const auto& param : command.method.params)
    if (!param.positional) out.push_back(shown_flag(param));
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// First words of commands, each once.
std::vector<std::string> first_words() {
  std::vector<std::string> out{"help"};
  for (const auto& command : commands()) {
    auto word = command.method.name.substr(0, command.method.name.find(' '));
    if (std::find(out.begin(), out.end(), word) == out.end()) out.push_back(word);
  }
  return out;
}
std::vector<std::string> second_words(const std::string& first) {
  std::vector<std::string> out;
  for (const auto& command : commands())
    if (command.method.name.starts_with(first + " ")) out.push_back(command.method.name.substr(first.size() + 1));
  return out;
}

/// A shell pattern: the command's words, alone or followed by others, and then `end`.
std::string pattern_of(const Command& command, const std::string& end = "") {
  return "'" + command.method.name + "'" + end + "|'" + command.method.name + " '*" + end;
}

std::string bash() {
  std::string flags;
  std::string out =
      "# bash completion of doze, made by doze completion bash\n_doze() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= command= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n    case ${COMP_WORDS[i]} in\n      --datadir) "
      "((i++));;\n      -*) "
      ";;\n"
      "      *) command+=${command:+ }${COMP_WORDS[i]};;\n    esac\n  done\n  case $prev in\n"
      "    --datadir) COMPREPLY=($(compgen -d -- \"$cur\")); return;;\n";
  for (const auto& command : commands())
    for (const auto& param : command.method.params)
      if (!param.positional && !choices(command, param).empty())
        flags += "    " + pattern_of(command, "/" + shown_flag(param)) + ") COMPREPLY=($(compgen -W '" +
                 joined(choices(command, param)) + "' -- \"$cur\")); return;;\n";
  out += "  esac\n  case $command/$prev in\n" + flags;
  out += "  esac\n  case $command in\n    '') words='" + joined(first_words()) +
         " --datadir --json --long --version --help';;\n";
  for (const auto& command : commands()) {
    std::vector<std::string> words = options_of(command);
    for (const auto& param : command.method.params)
      if (param.positional)
        for (const auto& choice : choices(command, param)) words.push_back(choice);
    out += "    " + pattern_of(command) + ") words='" + joined(words) + "';;\n";
  }
  for (const auto& first : first_words())
    if (auto second = second_words(first); !second.empty())
      out += "    '" + first + "'|'help " + first + "') words='" + joined(second) + "';;\n";
  out += "    help) words='" + joined(first_words()) + "';;\n  esac\n";
  out +=
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n}\ncomplete -o filenames -F _doze "
      "doze\n";
  return out;
}

std::string zsh() {
  std::string out =
      "#compdef doze\n# zsh completion of doze, made by doze completion zsh\n_doze() {\n  local -a list\n"
      "  local command=\"${(j: :)${(@)words[2,CURRENT-1]:#-*}}\"\n  case $command in\n    '') list=(";
  for (const auto& first : first_words()) {
    std::string summary = first == "help" ? "explain a command" : "";
    for (const auto& command : commands())
      if (command.method.name == first) summary = command.method.summary;
    out += "\n      '" + quoted(first + (summary.empty() ? "" : ":" + summary), '\'') + "'";
  }
  out += ") ;;\n";
  for (const auto& command : commands()) {
    out += "    " + pattern_of(command) + ") list=(";
    for (const auto& param : command.method.params) {
      if (!param.positional) out += "\n      '" + quoted(shown_flag(param) + ":" + param.help, '\'') + "'";
      for (const auto& choice : choices(command, param)) out += "\n      '" + choice + "'";
    }
    out += ") ;;\n";
  }
  for (const auto& first : first_words())
    if (auto second = second_words(first); !second.empty())
      out += "    '" + first + "'|'help " + first + "') list=(" + joined(second) + ") ;;\n";
  out += "    help) list=(" + joined(first_words()) + ") ;;\n";
  return out + "  esac\n  _describe 'doze' list\n  _files\n}\n_doze \"$@\"\n";
}

std::string fish() {
  std::string out =
      "# fish completion of doze, made by doze completion fish\n"
      "complete -c doze -l datadir -r -d 'folder of the node'\ncomplete -c doze -l json -d 'print JSON'\n"
      "complete -c doze -l long -d 'show whole ids and all fields'\n";
  for (const auto& first : first_words()) {
    std::string summary = first == "help" ? "explain a command" : "";
    for (const auto& command : commands())
      if (command.method.name == first) summary = command.method.summary;
    out += "complete -c doze -n __fish_use_subcommand -a " + first + " -d '" + quoted(summary, '\'') + "'\n";
  }
  for (const auto& first : first_words())
    for (const auto& second : second_words(first))
      out += "complete -c doze -n '__fish_seen_subcommand_from " + first + "' -a " + second + "\n";
  out += "complete -c doze -n '__fish_seen_subcommand_from help' -a '" + joined(first_words()) + "'\n";
  for (const auto& command : commands()) {
    auto name = command.method.name;
    auto space = name.find(' ');
    auto condition = "__fish_seen_subcommand_from " + name.substr(0, space);
    if (space != std::string::npos) condition += "; and __fish_seen_subcommand_from " + name.substr(space + 1);
    for (const auto& param : command.method.params) {
      auto all = joined(choices(command, param));
      out += "complete -c doze -n '" + condition + "'";
      if (!param.positional) out += " -l " + shown_flag(param).substr(2) + (param.kind == Kind::Flag ? "" : " -r");
      if (!all.empty()) out += " -a '" + all + "'";
      out += " -d '" + quoted(param.help, '\'') + "'\n";
    }
  }
  return out;
}

}  // namespace

std::string usage(const Command& command) {
  std::string out = "doze " + command.method.name;
  for (const auto& param : command.method.params) {
    std::string shown = param.positional           ? param.name
                        : param.kind == Kind::Flag ? shown_flag(param)
                                                   : shown_flag(param) + " " + shown_kind(param);
    out += param.required ? " " + shown : " [" + shown + "]";
  }
  return out;
}

std::string help() {
  std::string out =
      "doze [--datadir DIR] [--json] [--long] [--version] COMMAND ...\n\nControls the node in DIR (default: $DOZE_DIR, "
      "else ~/.doze).\n";
  for (bool offline : {true, false}) {
    out += offline ? "\nCommands that need no daemon:\n" : "\nCommands for a running dozed:\n";
    for (const auto& command : commands())
      if (command.offline == offline) out += "  " + padded(command.method.name, 23) + command.method.summary + "\n";
  }
  return out +
         "\ndoze help COMMAND explains a command. Answers are tables with short ids; --long shows whole ids and all "
         "fields,\n--json (-j) prints JSON.\n\nExit codes: 0 done, 1 invalid or internal error, 2 wrong usage, 3 no "
         "daemon, 4 refused, 5 payment failed,\n6 no answer in time.\n";
}

std::string help(const Command& command) {
  std::string out = usage(command) + "\n\n" + command.method.summary + "\n\n";
  for (const auto& param : command.method.params)
    out += "  " + padded(param.positional ? param.name : shown_flag(param), 30) + padded(shown_kind(param), 10) +
           param.help + (param.required ? " (required)" : "") + "\n";
  if (!command.method.params.empty()) out += "\n";
  if (!command.details.empty()) out += wrapped(command.details) + "\n\n";
  if (has_amounts(command)) out += std::string(kAmounts) + "\n\n";
  for (const auto& example : command.examples) out += "Example: " + example + "\n";
  return out;
}

std::string help_of_group(const std::string& word) {
  std::string out;
  for (const auto& command : commands())
    if (command.method.name.starts_with(word + " "))
      out += "  " + padded(command.method.name, 23) + command.method.summary + "\n";
  return out;
}

std::string help_for_programs() {
  List all;
  for (const auto& command : commands())
    all.push_back(Value()
                      .set("name", command.method.name)
                      .set("summary", command.method.summary)
                      .set("usage", usage(command))
                      .set("needs_daemon", !command.offline));
  return api::json_text(api::to_json(Value().set("commands", std::move(all))));
}

std::string man_page(const Command* command) {
  std::string name = "doze";
  if (command != nullptr) name += "-" + page_name(*command);
  std::string out =
      ".TH \"" + troff(name) + "\" 1 \"\" \"Doze " + kVersion + "\" \"Doze\"\n.SH NAME\n" + troff(name) + " \\- ";
  if (command == nullptr) {
    out += "Lightning payments for nodes that sleep\n.SH SYNOPSIS\n" +
           troff("doze [--datadir DIR] [--json] COMMAND ...") + "\n.SH COMMANDS\n";
    for (const auto& each : commands())
      out += ".TP\n.B " + troff(each.method.name) + "\n" + troff(each.method.summary) + "\n";
    out +=
        ".SH OPTIONS\n.TP\n.B \\-\\-datadir DIR\nThe node's folder; default: $DOZE_DIR, else ~/.doze\n.TP\n.B "
        "\\-\\-json\nPrint JSON\n.TP\n.B \\-\\-long\nShow whole ids and all fields\n.SH \"EXIT STATUS\"\n"
        "0 done, 1 invalid or internal error, 2 wrong usage, 3 no daemon, 4 refused, 5 payment failed, 6 no answer in "
        "time\n.SH EXAMPLES\n.nf\n";
    for (const auto& each : commands()) out += troff(each.examples.front()) + "\n";
    return out + ".fi\n";
  }
  out += troff(command->method.summary) + "\n.SH SYNOPSIS\n" + troff(usage(*command)) + "\n";
  if (!command->details.empty()) out += ".SH DESCRIPTION\n" + troff(command->details) + "\n";
  if (!command->method.params.empty()) out += ".SH OPTIONS\n";
  for (const auto& param : command->method.params)
    out += ".TP\n.B " + troff(param.positional ? param.name : shown_flag(param)) + "\n" + troff(param.help) +
           (param.required ? " (required)" : "") + "\n";
  if (has_amounts(*command)) out += ".PP\n" + troff(kAmounts) + "\n";
  out += ".SH EXAMPLES\n.nf\n";
  for (const auto& example : command->examples) out += troff(example) + "\n";
  return out + ".fi\n.SH SEE ALSO\n.BR doze (1)\n";
}

std::string completion(const std::string& shell) {
  return shell == "bash" ? bash() : shell == "zsh" ? zsh() : shell == "fish" ? fish() : "";
}

}  // namespace doze::cli

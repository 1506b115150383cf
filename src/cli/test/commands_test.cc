// One table for help, man pages and completion: nothing is missing in any of them.
#include "cli/commands.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>

namespace doze::cli {
namespace {

TEST(Commands, each_has_a_summary_an_example_and_help_for_every_option) {
  std::set<std::string> names;
  for (const auto& command : commands()) {
    EXPECT_TRUE(names.insert(command.method.name).second) << command.method.name;
    EXPECT_FALSE(command.method.summary.empty()) << command.method.name;
    ASSERT_FALSE(command.examples.empty()) << command.method.name;
    for (const auto& example : command.examples)
      EXPECT_NE(example.find(command.method.name), std::string::npos) << example;
    for (const auto& param : command.method.params) EXPECT_FALSE(param.help.empty()) << param.name;
  }
  EXPECT_TRUE(names.contains("decode"));
}

TEST(Commands, every_method_of_the_api_is_a_command) {
  for (const auto& method : api::methods()) EXPECT_NE(find_command({method.name}, nullptr), nullptr) << method.name;
}

TEST(Commands, two_words_are_found_before_one) {
  std::size_t used = 0;
  const auto* command = find_command({"create", "offer", "--key"}, &used);
  ASSERT_NE(command, nullptr);
  EXPECT_EQ(command->method.name, "create offer");
  EXPECT_EQ(used, 2u);
  EXPECT_EQ(find_command({"create"}, nullptr), nullptr);
  EXPECT_EQ(find_command({}, nullptr), nullptr);
}

TEST(Commands, help_for_a_first_word_lists_the_commands_that_begin_with_it) {
  auto text = help_of_group("onion");
  for (const auto* name : {"onion build", "onion peel", "onion wrap", "onion unwrap"})
    EXPECT_NE(text.find(std::string("  ") + name + " "), std::string::npos) << text;
  EXPECT_EQ(text.find("create"), std::string::npos) << text;
  EXPECT_EQ(help_of_group("pay"), "");
}

TEST(Commands, help_and_man_page_and_completion_name_every_option) {
  auto bash = completion("bash"), zsh = completion("zsh"), fish = completion("fish");
  for (const auto& command : commands()) {
    auto page = man_page(&command), text = help(command);
    EXPECT_NE(help().find("  " + command.method.name + " "), std::string::npos) << command.method.name;
    for (const auto& example : command.examples) EXPECT_NE(text.find(example), std::string::npos);
    EXPECT_NE(page.find(".SH EXAMPLES\n.nf\ndoze "), std::string::npos) << page;
    auto pattern = "'" + command.method.name + "'|'" + command.method.name + " '*)";
    EXPECT_NE(bash.find(pattern), std::string::npos);
    EXPECT_NE(zsh.find(pattern), std::string::npos);
    for (const auto& param : command.method.params) {
      if (param.positional) continue;
      auto flag = param.name;
      for (auto& c : flag) c = c == '_' ? '-' : c;
      flag = flag.substr(0, flag.rfind("-msat") == std::string::npos ? flag.size() : flag.rfind("-msat"));
      flag = flag.substr(0, flag.rfind("-sat") == std::string::npos ? flag.size() : flag.rfind("-sat"));
      EXPECT_NE(text.find("--" + flag), std::string::npos) << flag;
      EXPECT_NE(bash.find("--" + flag), std::string::npos) << flag;
      EXPECT_NE(zsh.find("--" + flag), std::string::npos) << flag;
      EXPECT_NE(fish.find("-l " + flag), std::string::npos) << flag;
    }
  }
  EXPECT_EQ(completion("tcsh"), "");
}

TEST(Commands, bash_accepts_its_completion_and_completes) {
  auto place = ::testing::TempDir() + std::to_string(::getpid()) + "doze-completion.bash";
  std::ofstream(place) << completion("bash");
  auto script = "cd $(mktemp -d) && bash -c 'source " + place +
                "; COMP_WORDS=(doze create offer --q); COMP_CWORD=3; _doze; echo ${COMPREPLY[@]}"
                "; COMP_WORDS=(doze create inv); COMP_CWORD=2; _doze; echo ${COMPREPLY[@]}"
                "; COMP_WORDS=(doze check-static-invoice --off); COMP_CWORD=2; _doze; echo ${COMPREPLY[@]}"
                "; COMP_WORDS=(doze onion build --profile l); COMP_CWORD=4; _doze; echo ${COMPREPLY[@]}"
                "; COMP_WORDS=(doze descriptors --network m); COMP_CWORD=3; _doze; echo ${COMPREPLY[@]}"
                "; COMP_WORDS=(doze init --network m); COMP_CWORD=3; _doze; echo .${COMPREPLY[@]}"
                "; COMP_WORDS=(doze man create-o); COMP_CWORD=2; _doze; echo ${COMPREPLY[@]}"
                "; COMP_WORDS=(doze create invoiceerror --er); COMP_CWORD=3; _doze; echo ${COMPREPLY[@]}"
                "; COMP_WORDS=(doze help create off); COMP_CWORD=3; _doze; echo ${COMPREPLY[@]}'";
  FILE* pipe = ::popen(script.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string out;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
  EXPECT_EQ(::pclose(pipe), 0);
  std::remove(place.c_str());
  EXPECT_EQ(out,
            "--quantity-max\ninvoicerequest invoice invoiceerror\n--offer\nldk\nmainnet\n.\ncreate-offer\n--error "
            "--erroneous-field\noffer\n");
}

}  // namespace
}  // namespace doze::cli

// Completion for bash, zsh and fish.
#include "pipeline/completion.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

#include "pipeline/subprocess.hpp"

namespace tianyan {
namespace {

using Takes = OptionText::Takes;

// What a list of completions has room for: "Beams, one file each; ..." without what follows.
std::string short_text(const std::string& meaning) {
  const std::string text = meaning.substr(0, meaning.find_first_of(";:("));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::vector<std::string> option_names(const CommandLine& line) {
  std::vector<std::string> names;
  for (const auto& option : line.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

// What may stand where no option's value is: commands, or words that arguments choose from.
std::vector<std::string> plain_words(const CommandLine& line) {
  std::vector<std::string> words;
  for (const auto& command : line.commands) words.push_back(command.name);
  for (const auto& argument : line.arguments)
    words.insert(words.end(), argument.words.begin(), argument.words.end());
  return words;
}

// What bash does for a value. Files are what it completes by itself where the function offers nothing.
std::string bash_action(const OptionText& option) {
  switch (option.takes) {
    case Takes::kWord:
      return fmt::format("words={}", shell_word(fmt::format("{}", fmt::join(option.words, " "))));
    case Takes::kDirectory:
      return "compopt -o dirnames 2>/dev/null; return";
    case Takes::kText:
      return "compopt +o default 2>/dev/null; return";
    default:
      return "return";
  }
}

// "    'flag --threads' | 'plan --threads') compopt +o default; return ;;", one line for all that complete
// alike
std::string bash_values(const CommandLine& program) {
  std::map<std::string, std::vector<std::string>> patterns;
  for (const auto& command : program.commands)
    for (const auto& option : command.options)
      for (const auto& name : option.names)
        if (option.takes != Takes::kNothing)
          patterns[bash_action(option)].push_back(shell_word(command.name + " " + name));
  std::string text;
  for (const auto& [action, of] : patterns)
    text += fmt::format("    {}) {} ;;\n", fmt::join(of, " | "), action);
  return text;
}

std::string bash_names(const CommandLine& line, const std::string& command) {
  return fmt::format("        {}) words='{}' options='{}' ;;\n", shell_word(command),
                     fmt::join(plain_words(line), " "), fmt::join(option_names(line), " "));
}

// A description within the brackets of _arguments, or before the colon of _describe.
std::string zsh_text(const std::string& text) {
  std::string all;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') all += '\\';
    all += c;
  }
  return all;
}

std::string zsh_action(const OptionText& option) {
  if (option.takes == Takes::kDirectory) return "_files -/";
  if (option.takes == Takes::kFile) return "_files";
  if (option.takes == Takes::kText) return "";
  const bool is_beginning = option.words.front().back() == '=';
  return fmt::format("{{compadd {}-- {}}}", is_beginning ? "-S '' " : "", fmt::join(option.words, " "));
}

// '(-o --output)'{-o+,--output=}'[The run directory to make]:RUN:_files -/': a value may follow at once.
std::string zsh_option(const OptionText& option) {
  std::vector<std::string> names = option.names;
  if (option.takes != Takes::kNothing)
    for (auto& name : names) name += name[1] == '-' ? "=" : "+";
  std::string text = option.many ? "*" : fmt::format("({})", fmt::join(option.names, " "));
  text = shell_word(text) + (names.size() > 1 ? fmt::format("{{{}}}", fmt::join(names, ",")) : names.front());
  std::string rest = fmt::format("[{}]", zsh_text(short_text(option.meaning)));
  if (option.takes != Takes::kNothing)
    rest += fmt::format(":{}:{}", zsh_text(option.value), zsh_action(option));
  return text + shell_word(rest);
}

// _arguments with all that a command, or the program, takes
std::string zsh_arguments(const CommandLine& line, const std::string& indent, const std::string& more) {
  std::string text = indent + "_arguments -s" + more;
  for (const auto& option : line.options) text += " \\\n" + indent + "  " + zsh_option(option);
  for (const auto& argument : line.arguments)
    text += " \\\n" + indent + "  " +
            shell_word(fmt::format("{}:{}:{}",
                                   argument.many       ? "*"
                                   : argument.required ? ""
                                                       : ":",
                                   zsh_text(argument.value), zsh_action(argument)));
  return text;
}

// Its options, as "complete" of fish wants them, without the conditions under which they are offered.
std::string fish_option(const OptionText& option) {
  std::string text;
  for (const auto& name : option.names)
    text += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes == Takes::kWord)
    text += " -x -a " + shell_word(fmt::format("{}", fmt::join(option.words, " ")));
  if (option.takes == Takes::kDirectory) text += " -x -a '(__fish_complete_directories)'";
  if (option.takes == Takes::kFile) text += " -r -F";
  if (option.takes == Takes::kText) text += " -x";
  const std::string meaning = short_text(option.meaning);
  return meaning.empty() ? text : text + " -d " + shell_word(meaning);
}

// Options and arguments of commands, each once for all that have the same.
std::string fish_options(const CommandLine& program) {
  std::map<std::string, std::set<std::string>> commands;
  for (const auto& command : program.commands) {
    for (const auto& option : command.options) commands[fish_option(option)].insert(command.name);
    for (const auto& argument : command.arguments) {
      const bool is_path = argument.takes == Takes::kFile || argument.takes == Takes::kDirectory;
      commands[is_path ? " -F" : fish_option(argument)].insert(command.name);
    }
  }
  std::string text;
  for (const auto& [option, of] : commands)
    text += fmt::format("complete -c tianyan -n '__fish_seen_subcommand_from {}'{}\n", fmt::join(of, " "),
                        option);
  return text;
}

}  // namespace

std::string bash_completion(const CommandLine& program) {
  std::string names = bash_names(program, "");
  for (const auto& command : program.commands) names += bash_names(command, command.name);
  return fmt::format(R"(# bash completion of tianyan, made by `tianyan completion bash`
_tianyan() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} command='' words='' options='' i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${{COMP_WORDS[i]}} == -* ]] || {{ command=${{COMP_WORDS[i]}}; break; }}
  done
  # bash takes --backend=cpu as three words
  [[ $cur != = ]] || cur=
  [[ $prev != = ]] || prev=${{COMP_WORDS[COMP_CWORD - 2]}}
  COMPREPLY=()
  case "$command $prev" in
{}    *)
      case $command in
{}      esac
      [[ $cur != -* ]] || words=$options ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ ${{COMPREPLY[0]-}} != *= ]] || compopt -o nospace 2>/dev/null
}}
complete -o default -F _tianyan tianyan
)",
                     bash_values(program), names);
}

std::string zsh_completion(const CommandLine& program) {
  std::string names, cases;
  for (const auto& command : program.commands) {
    names += "    " + shell_word(command.name + ":" + zsh_text(command.summary)) + "\n";
    cases += fmt::format("    {})\n{} ;;\n", command.name, zsh_arguments(command, "      ", ""));
  }
  return fmt::format(R"(#compdef tianyan
# zsh completion of tianyan, made by `tianyan completion zsh`
_tianyan() {{
  local context state state_descr line
  local -A opt_args
  local -a commands=(
{}  )
{} \
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands; return ;;
    argument) ;;
    *) return ;;
  esac
  case $words[1] in
{}  esac
}}
_tianyan "$@"
)",
                     names, zsh_arguments(program, "  ", " -C"), cases);
}

std::string fish_completion(const CommandLine& program) {
  std::string text =
      "# fish completion of tianyan, made by `tianyan completion fish`\ncomplete -c tianyan -f\n";
  for (const auto& option : program.options)
    text += "complete -c tianyan -n __fish_use_subcommand" + fish_option(option) + "\n";
  for (const auto& command : program.commands)
    text += fmt::format("complete -c tianyan -n __fish_use_subcommand -a {} -d {}\n", command.name,
                        shell_word(command.summary));
  return text + fish_options(program);
}

}  // namespace tianyan

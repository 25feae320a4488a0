// Reads commands and options out of CLI11.
#include "pipeline/command_line.hpp"

#include <algorithm>

#include "pipeline/command.hpp"
#include "pipeline/simulate.hpp"

namespace tianyan {
namespace {

using Takes = OptionText::Takes;

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0, end = 0;
  for (; (end = text.find(separator, begin)) != std::string::npos; begin = end + 1)
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

// "fil|fits|h5" of a type name, "{fil,fits,h5}" of CLI::IsMember
std::vector<std::string> choices_of(const std::string& type) {
  const auto open = type.find('{'), close = type.find('}');
  if (open != std::string::npos && close != std::string::npos)
    return split(type.substr(open + 1, close - open - 1), ',');
  return type.find('|') == std::string::npos ? std::vector<std::string>{} : split(type, '|');
}

std::vector<std::string> words_of(const std::string& type) {
  std::vector<std::string> words = choices_of(type);
  if (type == kConfigKeyValue)
    for (const auto& [key, value] : config_values({})) words.push_back(key + "=");
  if (type == kScanKeyValue)
    for (const auto& key : scan_key_names()) words.push_back(key + "=");
  return words;
}

Takes takes_of(const OptionText& option) {
  if (option.value.empty()) return Takes::kNothing;
  if (!option.words.empty()) return Takes::kWord;
  if (is_one_of(option.value, {"DIR", "OUT", "RUN"})) return Takes::kDirectory;
  return is_one_of(option.value, {"N", "I/N", "SECONDS", "INT", "UINT", "FLOAT"}) ? Takes::kText
                                                                                  : Takes::kFile;
}

OptionText describe(const CLI::Option& from) {
  OptionText to;
  for (const auto& name : from.get_snames()) to.names.push_back("-" + name);
  for (const auto& name : from.get_lnames()) to.names.push_back("--" + name);
  const std::string type = from.get_type_name();
  to.words = words_of(type);
  if (from.get_positional())
    to.value = from.get_name(true);
  else if (from.get_type_size_max() != 0)
    to.value = type.substr(0, type.find(':'));  // what follows is a check's: "N:INT in [0 - 4096]"
  to.meaning = from.get_description();
  to.takes = takes_of(to);
  for (const CLI::Option* other : from.get_excludes())
    to.excludes.push_back("--" + other->get_lnames().at(0));
  std::sort(to.excludes.begin(), to.excludes.end());
  to.required = from.get_required();
  to.many = from.get_items_expected_max() > 1;
  return to;
}

}  // namespace

CommandLine describe(const CLI::App& app) {
  CommandLine line{app.get_name(), app.get_description(), app.get_footer(), {}, {}, {}};
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty())
      (option->get_positional() ? line.arguments : line.options).push_back(describe(*option));
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) line.commands.push_back(describe(*command));
  return line;
}

}  // namespace tianyan

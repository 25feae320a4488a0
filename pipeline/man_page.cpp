// Roff of the manual pages.
#include "pipeline/man_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "pipeline/exit_code.hpp"

namespace tianyan {
namespace {

/// A footer of --help, taken apart.
struct Footer {
  std::string heading;                ///< of the examples
  std::vector<std::string> examples;  ///< "tianyan info x.fil      what it shows"
  std::string remarks;
  std::string exit_code;  ///< "Exit code 3: ..."
};

void append(std::string& paragraph, const std::string& line) {
  paragraph += (paragraph.empty() ? "" : " ") + line;
}

Footer take_apart(const std::string& footer) {
  Footer parts;
  std::istringstream lines(footer);
  bool is_exit_code = false;
  for (std::string line; std::getline(lines, line);) {
    is_exit_code |= line.rfind("Exit code", 0) == 0;
    if (is_exit_code)
      append(parts.exit_code, line);
    else if (line.rfind("  ", 0) == 0)
      parts.examples.push_back(line.substr(2));
    else if (parts.examples.empty() && !line.empty() && line.back() == ':')
      parts.heading = line;
    else
      append(parts.remarks, line);
  }
  return parts;
}

// Characters that roff takes for its own, or would print as typographic ones, in what a user may copy.
std::string escaped(const std::string& text) {
  std::string all;
  for (char c : text) switch (c) {
      case '\\':
        all += "\\e";
        break;
      case '-':
        all += "\\-";
        break;
      case '\'':
        all += "\\(aq";
        break;
      case '`':
        all += "\\(ga";
        break;
      case '^':
        all += "\\(ha";
        break;
      case '~':
        all += "\\(ti";
        break;
      default:
        all += c;
    }
  return all;
}

std::string bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + escaped(text) + "\\fR"; }

// A paragraph: what stands in `backticks` is bold, and each sentence begins a line.
std::string prose(const std::string& text) {
  std::string all, piece;
  bool is_code = false;
  auto flush = [&] {
    all += is_code ? bold(piece) : escaped(piece);
    piece.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool ends_sentence = !is_code && text[i] == '.' && i + 2 < text.size() && text[i + 1] == ' ' &&
                               !std::islower(static_cast<unsigned char>(text[i + 2]));
    if (text[i] == '`') {
      flush();
      is_code = !is_code;
    } else if (ends_sentence) {
      piece += '.';
      flush();
      all += '\n';
      ++i;
    } else {
      piece += text[i];
    }
  }
  flush();
  std::string safe = all[0] == '.' ? "\\&" : "";
  for (char c : all) safe += c == '.' && !safe.empty() && safe.back() == '\n' ? "\\&." : std::string(1, c);
  return safe + "\n";
}

std::string header(const std::string& name, const ManualText& text) {
  std::string title = name;
  std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::toupper(c); });
  return fmt::format(".TH \"{}\" 1 {} \"tianyan {}\" \"Tianyan manual\"\n", escaped(title), text.date,
                     text.version);
}

// "-o, --output RUN"
std::string option_heading(const OptionText& option) {
  std::vector<std::string> names;
  for (const auto& name : option.names) names.push_back(bold(name));
  const std::string many = option.names.empty() && option.many ? "..." : "";
  const std::string value = option.value.empty() ? "" : italic(option.value) + many;
  return fmt::format("{}{}{}", fmt::join(names, ", "), names.empty() || value.empty() ? "" : " ", value);
}

std::string explanation(const OptionText& option) {
  const bool is_whole = option.meaning.empty() || option.meaning.back() == '.';
  std::string text = option.meaning + (is_whole ? "" : ".");
  if (option.required && !option.names.empty()) text += " Required.";
  if (!option.excludes.empty()) text += fmt::format(" Not with `{}`.", fmt::join(option.excludes, "`, `"));
  return text;
}

std::string option_list(const std::string& heading, const std::vector<OptionText>& options) {
  std::string text = options.empty() ? "" : ".SH " + heading + "\n";
  for (const auto& option : options) {
    text += ".TP\n" + option_heading(option) + "\n" + prose(explanation(option));
  }
  return text;
}

std::string synopsis(const std::string& program, const CommandLine& command) {
  std::string text = ".SH SYNOPSIS\n" + bold(program + " " + command.name);
  for (const auto& argument : command.arguments)
    text += argument.required ? " " + option_heading(argument) : " [" + option_heading(argument) + "]";
  for (const auto& option : command.options)
    if (option.required) text += fmt::format(" {} {}", bold(option.names.front()), italic(option.value));
  return text + " [" + italic("OPTION") + "]...\n";
}

// What --help says of an example stands far to its right; here it goes beneath.
std::string examples(const Footer& footer) {
  if (footer.examples.empty()) return "";
  std::string text = ".SH EXAMPLES\n";
  const bool is_named = footer.heading != "Examples:";
  if (is_named) text += prose(footer.heading);
  for (std::size_t i = 0; i < footer.examples.size(); ++i) {
    const std::string& example = footer.examples[i];
    const auto gap = example.find("   ");
    const auto comment = gap == std::string::npos ? gap : example.find_first_not_of(' ', gap);
    text += (i > 0 || is_named ? ".PP\n.nf\n" : ".nf\n") + bold(example.substr(0, gap)) + "\n.fi\n";
    if (comment != std::string::npos) text += ".RS 4\n" + prose(example.substr(comment)) + ".RE\n";
  }
  return text;
}

std::string exit_status(const std::string& of_this_command) {
  std::string text = ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : kExitCodes)
    text += fmt::format(".TP\n{}\n{}", bold(std::to_string(static_cast<int>(code))), prose(meaning));
  return of_this_command.empty() ? text : text + ".PP\n" + prose(of_this_command);
}

std::string see_also(const CommandLine& program, const std::string& but) {
  std::vector<std::string> pages;
  if (but != program.name) pages.push_back(bold(program.name) + "(1)");
  for (const auto& command : program.commands)
    if (command.name != but) pages.push_back(bold(program.name + "-" + command.name) + "(1)");
  return fmt::format(".SH SEE ALSO\n{}\n", fmt::join(pages, ",\n"));
}

std::string files(const ManualText& text) {
  if (text.configs.empty()) return "";
  return fmt::format(".SH FILES\n.TP\n{}\n{}", italic(text.configs),
                     prose("The configs that examples name as configs/; copy one to begin from it."));
}

std::string command_list(const CommandLine& program) {
  std::string text = ".SH COMMANDS\n";
  for (const auto& command : program.commands)
    text +=
        fmt::format(".TP\n{}(1)\n{}", bold(program.name + "-" + command.name), prose(command.summary + "."));
  return text;
}

}  // namespace

std::string man_page(const CommandLine& program, const ManualText& text) {
  const Footer footer = take_apart(program.footer);
  return header(program.name, text) + ".SH NAME\n" + program.name +
         " \\- search radio telescope scans for single pulses\n.SH SYNOPSIS\n" + bold(program.name) + " " +
         italic("COMMAND") + " [" + italic("ARGUMENT") + "]...\n.SH DESCRIPTION\n" + prose(program.summary) +
         ".PP\n" + prose(footer.remarks) + command_list(program) + option_list("OPTIONS", program.options) +
         examples(footer) + exit_status("") + files(text) + see_also(program, program.name);
}

std::string man_page(const CommandLine& program, const CommandLine& command, const ManualText& text) {
  const Footer footer = take_apart(command.footer);
  const std::string name = program.name + "-" + command.name;
  std::string page = header(name, text) + ".SH NAME\n" + escaped(name) + " \\- " + escaped(command.summary) +
                     "\n" + synopsis(program.name, command) + ".SH DESCRIPTION\n" +
                     prose(command.summary + ".");
  if (!footer.remarks.empty()) page += ".PP\n" + prose(footer.remarks);
  return page + option_list("ARGUMENTS", command.arguments) + option_list("OPTIONS", command.options) +
         examples(footer) + exit_status(footer.exit_code) + files(text) + see_also(program, command.name);
}

}  // namespace tianyan

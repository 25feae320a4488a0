// Splits rows character by character, since quoted cells may hold line ends.
#include "io/delimited.hpp"

#include "io/key_values.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

class RowSplitter {
 public:
  RowSplitter(const std::string& text, const DelimitedStyle& style, const std::string& path, int first_line)
      : text_(text), style_(style), path_(path), line_(first_line) {}

  std::vector<DelimitedRow> split() {
    std::vector<DelimitedRow> rows;
    while (!at_end()) {
      skip_blanks();
      if (at_end()) break;
      if (peek() == '\n')
        end_line();
      else if (style_.comment != '\0' && peek() == style_.comment)
        skip_line();
      else
        rows.push_back(row());
    }
    return rows;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return text_[at_]; }
  bool at_row_end() const { return at_end() || peek() == '\n'; }
  void end_line() { ++at_, ++line_; }
  /// Blanks that are no delimiter themselves, and the '\r' of other systems' line ends.
  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\r' || (peek() == '\t' && style_.delimiter != '\t')))
      ++at_;
  }
  void skip_line() {
    while (!at_row_end()) ++at_;
    if (!at_end()) end_line();
  }

  DelimitedRow row() {
    DelimitedRow row{line_, {}};
    for (bool more = true; more;) {
      skip_blanks();
      row.cells.push_back(!at_end() && peek() == '"' ? quoted() : bare());
      skip_blanks();
      more = !at_row_end() && style_.delimiter == ' ';
      if (!at_row_end() && peek() == style_.delimiter) more = true, ++at_;
    }
    if (!at_end()) end_line();
    return row;
  }
  std::string bare() {
    const std::size_t begin = at_;
    while (!at_row_end() && peek() != style_.delimiter) ++at_;
    return trimmed(text_.substr(begin, at_ - begin));
  }
  std::string quoted() {
    const int first = line_;
    std::string cell;
    for (++at_; !at_end(); ++at_) {
      if (peek() == '"') {
        ++at_;
        if (at_end() || peek() != '"') return check_end(), cell;
      }
      if (peek() == '\n') ++line_;
      cell += peek();
    }
    require(false, "{}:{}: a cell begins with '\"' and has no closing one", path_, first);
    return cell;
  }
  void check_end() {
    const std::size_t closed = at_;
    skip_blanks();
    const bool is_apart =
        at_row_end() || peek() == style_.delimiter || (style_.delimiter == ' ' && at_ > closed);
    require(is_apart, "{}:{}: '{}' between a closing quote and '{}'", path_, line_,
            at_end() ? ' ' : text_[at_], style_.delimiter);
  }

  const std::string& text_;
  const DelimitedStyle style_;
  const std::string& path_;
  int line_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<DelimitedRow> split_rows(const std::string& text, const DelimitedStyle& style,
                                     const std::string& path, int first_line) {
  return RowSplitter(text, style, path, first_line).split();
}

}  // namespace tianyan

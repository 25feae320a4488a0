// GizaPage: one PNG page drawn with giza, with panels placed in pixels and images drawn pixel by pixel.
#pragma once
#include <string>
#include <vector>

#include "kernels/base/view.hpp"

namespace tianyan {

/// A panel's edges in pixels from the page's lower left corner.
struct PanelPixels {
  int left = 0, right = 0, bottom = 0, top = 0;
  int width() const { return right - left; }
  int height() const { return top - bottom; }
};

/// The values of a panel's edges: [x_first, x_last] from left to right, [y_first, y_last] from bottom to top.
struct PanelWindow {
  double x_first = 0.0, x_last = 1.0, y_first = 0.0, y_last = 1.0;
};

struct ColourLimits {
  double low = 0.0, high = 1.0;
};

enum class PageColour { kText, kBlue, kShade, kGrey, kWhite, kOrange };

/// The colours of images: many hues for levels, or from white to dark blue for shares of something.
enum class PageRamp { kViridis, kBlues };

/// Axes on which the window is in powers of ten.
struct LogAxes {
  bool x = false, y = false;
};

enum class TextAlign { kLeft, kCentre, kRight };

/// Values below `low_fraction` and above `high_fraction` of the finite ones saturate. Never an empty range.
ColourLimits robust_limits(const View<const float, 2>& image, double low_fraction, double high_fraction);

/// Text as giza shall print it: its escapes made literal, and what it cannot draw (it takes UTF-8 apart into
/// bytes) replaced by '?'.
std::string giza_literal(const std::string& text);

/// One page, open from construction to finish(). giza's state is global: one page at a time, in one thread.
class GizaPage {
 public:
  /// `temporary_path` is where the PNG will lie after finish().
  GizaPage(const std::string& temporary_path, int width_px, int height_px);
  ~GizaPage();
  GizaPage(const GizaPage&) = delete;
  GizaPage& operator=(const GizaPage&) = delete;

  /// What follows is drawn in this panel, clipped to it, in these coordinates.
  void set_panel(const PanelPixels& panel, const PanelWindow& window);
  /// Size of all letters that follow, in units of the page's usual ones.
  void set_letters(double scale) { letters_ = scale; }
  /// Of the images and colour bars that follow; kViridis where it is not called.
  void set_ramp(PageRamp ramp);
  /// Fills the panel with image[row][column], row 0 at the bottom; bins smaller than a pixel are averaged,
  /// NaN is grey.
  void image(const View<const float, 2>& values, const ColourLimits& limits);
  void line(const std::vector<double>& x, const std::vector<double>& y, PageColour colour, double width);
  void rectangle(double x_first, double x_last, double y_first, double y_last, PageColour colour);
  /// Fills the polygon with these corners.
  void area(const std::vector<double>& x, const std::vector<double>& y, PageColour colour);
  /// The frame with ticks, numbers where there is a label, and the labels.
  void frame(const std::string& x_label, const std::string& y_label, const LogAxes& log = {});
  /// A bar at the right of the last panel set, with its scale, and the label above it.
  void colour_bar(const ColourLimits& limits, const std::string& label);
  /// `height` in units of the page's usual letters; giza's escapes work in it. (x, y) is the end of the base
  /// line that `align` names.
  void text(double x, double y, const std::string& words, double height = 1.0, bool is_bold = false,
            TextAlign align = TextAlign::kLeft);

  /// Closes the page and writes the file. Throws std::runtime_error where it is not there, whole.
  void finish();

 private:
  static constexpr double kLabelHeight = 0.55, kTickHeight = 0.48;  ///< giza's unit: 27 px of this page

  void release();
  void set_letter_height(double height);

  std::string temporary_path_;
  std::string written_path_;  ///< what giza makes of it
  int width_px_, height_px_;
  int device_ = 0;      ///< giza's number of it, 0: closed
  int folder_fd_ = -1;  ///< open while a path too long for giza goes through it
  double letters_ = 1.0;
  PanelPixels panel_;
  PanelWindow window_;
};

}  // namespace tianyan

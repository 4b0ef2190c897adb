#pragma once
// A small writer of SVG: shapes and text in the colours of a page that may be light or dark.

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace examples {

/// Colours by role; a dark page has others (see `svg::save`).
enum class ink { text, faint, first, second, third };

struct box_on_page {
  double left, top, right, bottom;
  bool overlaps(const box_on_page& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

/// A drawing in units of CSS pixels, y downwards.
class svg {
 public:
  static constexpr double letter_width = 7.2, letter_height = 12;  ///< of the text, with room to spare

  svg(int width, int height, const char* title) : width_(width), height_(height), title_(title) {}

  void line(double x1, double y1, double x2, double y2, ink colour) {
    add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s line\"/>\n", x1, y1, x2, y2, name(colour));
  }
  /// A line through all points.
  void lines(const std::vector<double>& x, const std::vector<double>& y, ink colour) {
    body_ += std::string("<polyline fill=\"none\" stroke-width=\"1.5\" class=\"") + name(colour) + " line\" points=\"";
    for (std::size_t i = 0; i < x.size(); ++i) add("%.1f,%.1f ", x[i], y[i]);
    body_ += "\"/>\n";
  }
  /// A filled area, given by the `d` of a path.
  void area(const std::string& d, ink colour) {
    body_ += std::string("<path d=\"") + d + "\" class=\"" + name(colour) + " fill\"/>\n";
  }
  enum class anchor { start, middle, end };
  void text(double x, double y, const std::string& of, anchor at = anchor::start, bool bold = false) {
    static constexpr const char* anchors[]{"start", "middle", "end"};
    add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchors[static_cast<int>(at)],
        bold ? " class=\"bold\"" : "");
    body_ += escaped(of) + "</text>\n";
  }
  /// Text that reads upwards, centred.
  void upward_text(double x, double y, const std::string& of) {
    add("<text transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"middle\">", x, y);
    body_ += escaped(of) + "</text>\n";
  }
  /// A circle, a square or a triangle; hollow or filled.
  void marker(double x, double y, int shape, bool hollow, ink colour) {
    const char* style = hollow ? "hollow" : "fill";
    if (shape == 0)
      add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" class=\"%s %s\"/>\n", x, y, name(colour), style);
    else if (shape == 1)
      add("<rect x=\"%.1f\" y=\"%.1f\" width=\"9\" height=\"9\" class=\"%s %s\"/>\n", x - 4.5, y - 4.5, name(colour),
          style);
    else
      add("<path d=\"M%.1f %.1fl6 10h-12z\" class=\"%s %s\"/>\n", x, y - 6, name(colour), style);
  }

  /// Writes the drawing; false if the file does not take it.
  bool save(std::ofstream& to) const {
    to << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width_ << ' ' << height_ << "\" width=\""
       << width_ << "\" height=\"" << height_ << "\" role=\"img\">\n<title>" << escaped(title_) << "</title>\n"
       << "<style>\n"
          "svg { font: 12px sans-serif; background: #ffffff; color-scheme: light dark; }\n"
          ".page { fill: #ffffff; } text { fill: #1f2328; } .bold { font-weight: bold; }\n"
          ".text { color: #1f2328; } .faint { color: #d0d7de; }\n"
          ".first { color: #0969da; } .second { color: #bc4c00; } .third { color: #1a7f37; }\n"
          ".line { stroke: currentColor; } .fill { fill: currentColor; }\n"
          ".hollow { fill: none; stroke: currentColor; stroke-width: 2; }\n"
          "@media (prefers-color-scheme: dark) {\n"
          "svg { background: #0d1117; } .page { fill: #0d1117; } text { fill: #e6edf3; }\n"
          ".text { color: #e6edf3; } .faint { color: #30363d; }\n"
          ".first { color: #58a6ff; } .second { color: #f0883e; } .third { color: #56d364; }\n"
          "}\n</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n"
       << body_ << "</svg>\n";
    to.close();
    return !to.fail();
  }

 private:
  template <class... Values>
  void add(const char* format, Values... values) {
    char text[300];
    std::snprintf(text, sizeof text, format, values...);
    body_ += text;
  }
  static const char* name(ink colour) {
    static constexpr const char* names[]{"text", "faint", "first", "second", "third"};
    return names[static_cast<int>(colour)];
  }
  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char letter : text) {
      if (letter == '<')
        out += "&lt;";
      else if (letter == '&')
        out += "&amp;";
      else
        out += letter;
    }
    return out;
  }

  int width_, height_;
  std::string title_, body_;
};

/// One axis of a plot: its range in round numbers, and how values are written.
struct plot_axis {
  double low, high, step;
  int digits;

  /// Four to ten steps of 1, 2 or 5 times a power of ten that hold all values.
  static plot_axis around(double least, double most) {
    if (!(most > least)) most = least + 1;
    double step = 1;
    while (step > (most - least) / 4) step /= 10;
    while (step * 10 <= (most - least) / 4) step *= 10;
    for (const double times : {5.0, 2.0})
      if (step * times <= (most - least) / 4) {
        step *= times;
        break;
      }
    int digits = 0;
    for (double unit = 1; unit > step * 1.5; unit /= 10) ++digits;
    const auto down = [&](double of) { return step * std::floor(of / step); };
    return {down(least), down(most) + step, step, digits};
  }
  double share(double value) const { return (value - low) / (high - low); }
  std::string label(double value) const {
    char text[40];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
  }
};

/// Where the values of a plot stand, within a frame of grid lines and numbers that it draws.
struct plot_frame {
  box_on_page at;
  plot_axis x, y;

  double place_x(double of) const { return at.left + x.share(of) * (at.right - at.left); }
  double place_y(double of) const { return at.bottom - y.share(of) * (at.bottom - at.top); }
  void draw(svg& to, const char* x_label, const char* y_label) const {
    for (double each = x.low; each < x.high + x.step / 2; each += x.step) {
      to.line(place_x(each), at.top, place_x(each), at.bottom, ink::faint);
      to.text(place_x(each), at.bottom + 18, x.label(each), svg::anchor::middle);
    }
    for (double each = y.low; each < y.high + y.step / 2; each += y.step) {
      to.line(at.left, place_y(each), at.right, place_y(each), ink::faint);
      to.text(at.left - 8, place_y(each) + 4, y.label(each), svg::anchor::end);
    }
    to.text((at.left + at.right) / 2, at.bottom + 38, x_label, svg::anchor::middle);
    to.upward_text(at.left - 58, (at.top + at.bottom) / 2, y_label);
  }
};

/// A plot of one series against another, such as a loss by steps; `marks` are values of x with a line across.
struct line_plot {
  std::vector<double> x, y, marks{};
  ink colour = ink::first;

  void draw(svg& to, box_on_page at, const char* title, const char* x_label, const char* y_label) const {
    to.text(at.left, at.top - 14, title, svg::anchor::start, true);
    if (x.empty()) return to.text(at.left, at.top + 20, "nothing was traced");
    double least = y[0], most = y[0];
    for (const double each : y) least = each < least ? each : least, most = each > most ? each : most;
    const plot_frame frame{at, plot_axis::around(x.front(), x.back()), plot_axis::around(least, most)};
    frame.draw(to, x_label, y_label);
    for (const double each : marks) to.line(frame.place_x(each), at.top, frame.place_x(each), at.bottom, ink::third);
    std::vector<double> across, down;
    for (const double each : x) across.push_back(frame.place_x(each));
    for (const double each : y) down.push_back(frame.place_y(each));
    to.lines(across, down, colour);
  }
};

/// A plot of labelled points. Labels stand beside their points where they cover nothing; points that nearly coincide
/// share one.
class scatter_plot {
 public:
  struct point {
    double x, y;
    std::string label;
    int shape;
    bool hollow;
    ink colour;
  };
  std::vector<point> points;

  void draw(svg& to, box_on_page at, const char* title, const char* x_label, const char* y_label) const {
    to.text(at.left, at.top - 14, title, svg::anchor::start, true);
    if (points.empty()) return to.text(at.left, at.top + 20, "no variant has both");
    double least_x = points[0].x, most_x = least_x, least_y = points[0].y, most_y = least_y;
    for (const auto& each : points) {
      least_x = each.x < least_x ? each.x : least_x, most_x = each.x > most_x ? each.x : most_x;
      least_y = each.y < least_y ? each.y : least_y, most_y = each.y > most_y ? each.y : most_y;
    }
    const plot_frame frame{at, plot_axis::around(least_x, most_x), plot_axis::around(least_y, most_y)};
    const auto place_x = [&](double of) { return frame.place_x(of); };
    const auto place_y = [&](double of) { return frame.place_y(of); };
    frame.draw(to, x_label, y_label);

    std::vector<box_on_page> taken;
    for (const auto& each : points) {
      const double px = place_x(each.x), py = place_y(each.y);
      to.marker(px, py, each.shape, each.hollow, each.colour);
      taken.push_back({px - 7, py - 7, px + 7, py + 7});
    }
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double px = place_x(points[i].x), py = place_y(points[i].y);
      std::string label = points[i].label;
      bool told = false;
      for (std::size_t j = 0; j < points.size(); ++j) {
        if (j == i || !near(px, py, place_x(points[j].x), place_y(points[j].y))) continue;
        told = told || j < i;
        if (j > i) label += ", " + points[j].label;
      }
      if (!told) to_free_place(to, px, py, label, at, taken);
    }
  }

 private:
  static bool near(double ax, double ay, double bx, double by) {
    return (ax - bx) * (ax - bx) + (ay - by) * (ay - by) < 16;
  }
  static void to_free_place(svg& to, double x, double y, const std::string& label, box_on_page inside,
                            std::vector<box_on_page>& taken) {
    const double wide = svg::letter_width * static_cast<double>(label.size()), high = svg::letter_height;
    for (const double away : {0.0, 8.0, 16.0, 26.0})
      for (const auto& side : {box_on_page{9 + away, -high / 2, 0, 0}, box_on_page{-9 - away - wide, -high / 2, 0, 0},
                               box_on_page{-wide / 2, -9 - away - high, 0, 0}, box_on_page{-wide / 2, 9 + away, 0, 0},
                               box_on_page{7 + away, -7 - away - high, 0, 0}, box_on_page{7 + away, 7 + away, 0, 0}}) {
        const box_on_page here{x + side.left, y + side.top, x + side.left + wide, y + side.top + high};
        bool free = here.left >= inside.left && here.right <= inside.right + wide && here.top >= inside.top - high &&
                    here.bottom <= inside.bottom;
        for (const auto& other : taken) free = free && !here.overlaps(other);
        if (!free) continue;
        taken.push_back(here);
        if (away > 0) to.line(x, y, here.left < x ? here.right : here.left, here.top + high / 2, ink::faint);
        return to.text(here.left, here.bottom - 2, label);
      }
    to.text(x + 9, y + 4, label);
  }
};

}  // namespace examples

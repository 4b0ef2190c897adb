#pragma once
// Lines of speed over sparsity, as an SVG: the ratio on a logarithmic axis, 1 drawn out.

#include "../../examples/support/svg.hpp"

#include <algorithm>
#include <utility>

namespace bench {

class speed_plot {
 public:
  struct series {
    std::string name;
    std::vector<std::pair<double, double>> points;  ///< sparsity in per cent, ratio
  };
  std::vector<series> all;

  void draw(examples::svg& to, examples::box_on_page at, const std::string& title) const {
    using examples::ink;
    using examples::svg;
    to.text(at.left, at.top - 12, title, svg::anchor::start, true);
    double least = 0.5, most = 2;
    for (const auto& each : all)
      for (const auto& [sparsity, ratio] : each.points) least = std::min(least, ratio), most = std::max(most, ratio);
    const double low = std::floor(std::log2(least)), high = std::ceil(std::log2(most));
    const auto x = [&](double sparsity) { return at.left + sparsity / 100 * (at.right - at.left); };
    const auto y = [&](double ratio) {
      return at.bottom - (std::log2(ratio) - low) / (high - low) * (at.bottom - at.top);
    };
    for (double power = low; power <= high; ++power) {
      char label[20];
      std::snprintf(label, sizeof label, "%g", std::exp2(power));
      to.line(at.left, y(std::exp2(power)), at.right, y(std::exp2(power)), power == 0 ? ink::text : ink::faint);
      to.text(at.left - 6, y(std::exp2(power)) + 4, label, svg::anchor::end);
    }
    for (int sparsity = 0; sparsity <= 100; sparsity += 20) {
      to.line(x(sparsity), at.top, x(sparsity), at.bottom, ink::faint);
      to.text(x(sparsity), at.bottom + 16, std::to_string(sparsity) + " %", svg::anchor::middle);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& points = all[i].points;
      for (std::size_t p = 0; p + 1 < points.size(); ++p)
        to.line(x(points[p].first), y(points[p].second), x(points[p + 1].first), y(points[p + 1].second), colour(i));
      for (const auto& [sparsity, ratio] : points) mark(to, x(sparsity), y(ratio), i);
    }
  }
  /// What the lines are, side by side.
  void draw_names(examples::svg& to, double left, double top) const {
    for (std::size_t i = 0; i < all.size(); ++i) {
      mark(to, left, top - 4, i);
      to.text(left + 10, top, all[i].name);
      left += 34 + examples::svg::letter_width * static_cast<double>(all[i].name.size());
    }
  }

 private:
  static examples::ink colour(std::size_t i) {
    static constexpr examples::ink inks[]{examples::ink::first, examples::ink::second, examples::ink::third};
    return inks[i % 3];
  }
  static void mark(examples::svg& to, double x, double y, std::size_t i) {
    to.marker(x, y, static_cast<int>(i / 3 % 3), i / 9 % 2 == 1, colour(i));
  }
};

}  // namespace bench

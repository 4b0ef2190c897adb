// The shipped model with its weights stored in other ways: converted as it is, without training after it. What each
// format takes, how fast it decodes, and what it costs in loss, as a table and a picture.
//   06_sparse_weights FOLDER [PIECES]   writes FOLDER/sparse_weights.svg;
//                                       pieces of 256 characters to average the loss over, 8 if not given
#include "../support/options.hpp"
#include "../support/shipped_text.hpp"
#include "../support/svg.hpp"

#include <algorithm>
#include <cinttypes>
#include <functional>
#include <lacuna/compress.hpp>
#include <memory>

namespace {
namespace lc = lacuna;
using examples::fast;
using examples::ink;
using shipped = lc::zoo::shipped;

/// A kind of formats, by its colour in the picture.
enum class kind { dense, sparse, factors };

struct row {
  std::string name;
  kind of = kind::dense;
  lc::extent_t bytes = 0;
  std::uint64_t multiply_adds = 0;
  double residual = 0, loss = 0, tokens_per_second = 0;
};

struct nobody {
  template <class... Arguments>
  constexpr void after(const Arguments&...) {}
};

/// A format's figures, and its model, ready to be timed again.
struct candidate {
  row of;
  std::function<double()> speed;
};

class formats {
 public:
  explicit formats(lc::extent_t pieces) : pieces_(pieces) {
    examples::unless_wrong(lc::try_load_into(trained_, text_.checkpoint));
  }

  /// The shipped model with every linear map in this format; the head stays the embedding.
  template <class Format>
  void add(kind of, const char* name = Format::name.c_str()) {
    using recipe = lc::substitute<shipped, lc::dense, Format>;
    using model_type = lc::model<recipe, fast>;
    std::fprintf(stderr, "\rconversion and loss, %2zu of %zu: %-44s", candidates.size() + 1, expected_, name);
    const auto model = std::make_shared<model_type>();
    const auto report = lc::try_convert_into(trained_, *model);
    if (!report.ok()) examples::stop(report.why().message.c_str());
    row figures;
    figures.name = name;
    figures.of = of;
    figures.bytes = lc::figures<recipe>.bytes_f32;
    figures.multiply_adds = lc::figures<recipe>.multiply_adds_first;
    figures.residual = report->relative_residual();
    nobody watcher;
    figures.loss = examples::held_out_loss(*model, text_, pieces_, watcher);
    candidates.push_back({figures, [this, model] {
                            nobody silent;
                            return examples::tokens_per_second(*model, text_, silent);
                          }});
  }
  void expect(std::size_t count) { expected_ = count; }

  std::vector<candidate> candidates;

 private:
  examples::shipped_text text_;
  lc::model<shipped> trained_;
  lc::extent_t pieces_;
  std::size_t expected_ = 0;
};

void print(const std::vector<row>& rows) {
  std::printf("%-48s %9s %12s %7s %9s %6s\n", "format of all linear maps", "bytes", "multiply-adds", "lost", "tokens/s",
              "loss");
  for (const row& each : rows)
    std::printf("%-48s %9zu %12" PRIu64 " %5.1f %% %9.0f %6.3f\n", each.name.c_str(), each.bytes, each.multiply_adds,
                100 * each.residual, each.tokens_per_second, each.loss);
  std::puts(
      "\nbytes: of all parameters in f32, embedding and patterns included; multiply-adds: of the first token, logits\n"
      "included; lost: Frobenius norm of what the conversion lost, as a share of the weights'; tokens/s: one at a "
      "time;\n"
      "loss: nats per character of held-out text. Nothing is trained after the conversion, which is what such formats\n"
      "are made for: the losses say how far magnitudes and singular values alone go.");
}

void draw(examples::svg& to, const std::vector<row>& rows) {
  constexpr ink colours[]{ink::first, ink::second, ink::third};
  examples::scatter_plot bytes, speed;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const row& each = rows[i];
    const auto of = static_cast<int>(each.of);
    bytes.points.push_back(
        {static_cast<double>(each.bytes) / 1e6, each.loss, std::to_string(i), of, false, colours[of]});
    speed.points.push_back({each.tokens_per_second / 1000, each.loss, std::to_string(i), of, false, colours[of]});
  }
  to.text(20, 26, "The shipped model in other weight formats, without training", examples::svg::anchor::start, true);
  bytes.draw(to, {90, 76, 470, 376}, "Loss against size", "MB of parameters", "loss, nats per character");
  speed.draw(to, {590, 76, 970, 376}, "Loss against speed", "thousand tokens per second", "loss, nats per character");
  const char* const kinds[]{"dense, 32 or 8 bits", "sparse", "factors and sums"};
  for (int i = 0; i < 3; ++i) {
    to.marker(96, 450 + 22 * i, i, false, colours[i]);
    to.text(110, 454 + 22 * i, kinds[i]);
  }
  to.text(306, 454, "numbers: rows of the table, from 0");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 3) examples::stop("usage: 06_sparse_weights FOLDER [PIECES from 1 to 400]");
  const double pieces = count == 3 ? examples::number_in(arguments[2], "06_sparse_weights", "PIECES", 1, 400) : 8;
  const std::string path = std::string(arguments[1]) + "/sparse_weights.svg";
  auto picture = examples::open_or_stop("06_sparse_weights", path);

  formats all(static_cast<lc::extent_t>(pieces));
  using lc::density;
  all.expect(11);
  all.add<lc::dense>(kind::dense);
  all.add<lc::quantized<8>>(kind::dense);
  all.add<lc::quantized<8, lc::activations<8>>>(kind::dense);
  all.add<lc::csr<density{0.5}>>(kind::sparse);
  all.add<lc::blocked<4, 1, density{0.5}>>(kind::sparse);
  all.add<lc::blocked<16, 1, density{0.5}>>(kind::sparse);
  all.add<lc::permuted<lc::blocked<16, 1, density{0.5}>, lc::ordered>>(kind::sparse);
  all.add<lc::n_m<2, 4>>(kind::sparse);
  all.add<lc::product<lc::dense, lc::dense, lc::inner_share<density{0.5}, 8>>>(kind::factors);
  all.add<lc::monarch<4>>(kind::factors, "monarch<4>");
  all.add<lc::sum<lc::csr<density{0.25}>, lc::low_rank_weight<16>>>(kind::factors);

  // In rounds, so that what else the machine does meets all formats; the best try of each counts.
  constexpr int rounds = 12;
  for (int round = 0; round < rounds; ++round) {
    std::fprintf(stderr, "\rspeed, round %2d of %d: %-60s", round + 1, rounds, "");
    for (candidate& each : all.candidates)
      each.of.tokens_per_second = std::max(each.of.tokens_per_second, each.speed());
  }
  std::fprintf(stderr, "\r%-90s\r", "");
  std::vector<row> rows;
  for (const candidate& each : all.candidates) rows.push_back(each.of);
  print(rows);
  examples::svg drawing(1000, 530, "The shipped model in other weight formats: loss against size and speed");
  draw(drawing, rows);
  if (!drawing.save(picture))
    examples::stop(("06_sparse_weights: expected room for a picture at " + path + ", found none").c_str());
  std::printf("\nwritten: %s\n", path.c_str());
}

// Forecasts of seven series by iTransformer: each series is one token. The published protocol for the ETT data: 96
// hours to 96, scaled by the training part, errors over every window of the test part.
//   15_forecast --data FILE.csv [--epochs N] [--split hourly|quarterly|tenths] [--seed N] [--threads N] [--out FILE]
// One thread, unless more are asked for; the results do not depend on it. After every epoch the validation part is
// measured; the parameters of the best epoch are the ones that are tested.
#include "../support/fast.hpp"
#include "../support/options.hpp"
#include "../support/stop.hpp"
#include "../support/team.hpp"

#include <chrono>
#include <cmath>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <memory>
#include <string>

namespace {
namespace lc = lacuna;
using examples::stop;
using examples::team;
using examples::unless_wrong;

/// The sizes of the released script for ETTh1, without the calendar's tokens and without dropout.
using recipe = lc::zoo::itransformer<7, 96, 96, 256, 8, 2, 256>;
using model_type = lc::model<recipe, examples::fast>;
using series_type = lc::task::series<lc::task::series_sizes{.columns = 7, .lookback = 96, .horizon = 96}>;
using lc::task::series_part;
constexpr lc::extent_t batch = 32;
constexpr double first_rate = 1e-4;
using trainer_type = lc::trainer<model_type, lc::adam_w, lc::parts<2>, team>;

struct request {
  std::string data, out, split = "hourly";
  std::uint64_t epochs = 10, seed = 1;
  unsigned threads = 1;
};

request parse(int count, char** arguments) {
  static const option options[]{
      {"data", required_argument, nullptr, 'd'},    {"epochs", required_argument, nullptr, 'e'},
      {"split", required_argument, nullptr, 'p'},   {"seed", required_argument, nullptr, 's'},
      {"threads", required_argument, nullptr, 't'}, {"out", required_argument, nullptr, 'o'},
      {"help", no_argument, nullptr, 'h'},          {nullptr, 0, nullptr, 0}};
  request asked;
  const auto number = [](const char* name, double most) { return examples::number_of("15_forecast", name, 1, most); };
  for (int letter; (letter = getopt_long(count, arguments, "", options, nullptr)) != -1;) switch (letter) {
      case 'd':
        asked.data = optarg;
        break;
      case 'e':
        asked.epochs = static_cast<std::uint64_t>(number("epochs", 1e6));
        break;
      case 'p':
        asked.split = optarg;
        break;
      case 's':
        asked.seed = static_cast<std::uint64_t>(number("seed", 1e15));
        break;
      case 't':
        asked.threads = static_cast<unsigned>(number("threads", 64));
        break;
      case 'o':
        asked.out = optarg;
        break;
      default:
        std::fprintf(stderr,
                     "usage: 15_forecast --data FILE.csv [--epochs N] [--split hourly|quarterly|tenths]\n"
                     "                   [--seed N] [--threads N] [--out FILE]\n");
        std::exit(letter == 'h' ? 0 : 2);
    }
  examples::refuse_words("15_forecast", count, arguments, "name the file behind --data");
  if (asked.data.empty()) stop("15_forecast: expected a table of numbers, found none (add --data FILE.csv)");
  return asked;
}

/// A window of a part, scaled, and what comes behind it.
struct window {
  float past_numbers[96 * 7], future_numbers[96 * 7];
  window(const series_type& of, series_part part, lc::extent_t number) {
    of.read(part, number, lc::rows<float, 7>(past_numbers, 96), lc::rows<float, 7>(future_numbers, 96));
  }
  lc::rows<const float, 7> past() const { return {past_numbers, 96}; }
  lc::rows<const float, 7> future() const { return {future_numbers, 96}; }
};

struct errors {
  double squared = 0, absolute = 0;
};
/// Mean squared and absolute errors over all windows of a part, in scaled units; stops the program where one is no
/// number, since no epoch is better than another then.
errors measure(model_type& model, const series_type& of, series_part part) {
  errors sum;
  for (lc::extent_t number = 0; number < of.windows(part); ++number) {
    const window at(of, part, number);
    const auto forecast = unless_wrong(model.try_predict(at.past()));
    for (lc::extent_t i = 0; i < 96 * 7; ++i) {
      const double difference = static_cast<double>(forecast.data[i]) - static_cast<double>(at.future_numbers[i]);
      sum.squared += difference * difference, sum.absolute += std::abs(difference);
    }
  }
  const double elements = static_cast<double>(of.windows(part)) * 96 * 7;
  if (!std::isfinite(sum.squared))
    stop("15_forecast: expected a finite error over the " +
         std::string(part == series_part::test ? "test" : "validation") + " part, found " +
         (std::isnan(sum.squared) ? "NaN" : "infinity") +
         " (look for numbers in it that are far from those of the training part)");
  return {sum.squared / elements, sum.absolute / elements};
}

}  // namespace

int main(int count, char** arguments) {
  const request asked = parse(count, arguments);
  if (!asked.out.empty()) unless_wrong(lc::try_check_writable(asked.out));
  const auto table = unless_wrong(lc::try_read_csv(asked.data, {.left_out = {"date"}}));
  const auto values = unless_wrong(table.try_view<7>());
  lc::task::series_split split = lc::task::ett_hourly;
  if (asked.split == "quarterly")
    split = lc::task::ett_quarterly;
  else if (asked.split == "tenths")
    split = lc::task::split_by_tenths(values.count);
  else if (asked.split != "hourly")
    stop("15_forecast: --split: expected hourly, quarterly or tenths, found '" + asked.split + "'");
  const auto series = unless_wrong(series_type::try_make(values, split));

  auto model = std::make_unique<model_type>();
  lc::draw_weights(*model, {.seed = asked.seed, .deviation = 0.05, .residual_deviation = 0.05});
  team threads(asked.threads);
  const auto teacher =
      std::make_unique<trainer_type>(*model, lc::adam_w{.weight_decay = 0}, lc::trainer_options{}, threads);
  if (!teacher->ready()) stop("15_forecast: expected memory for the training, found too little");
  std::printf("%zu parameters; windows: %zu to train, %zu to validate, %zu to test\n", lc::parameter_count<recipe>,
              series.windows(series_part::training), series.windows(series_part::validation),
              series.windows(series_part::test));

  const std::uint64_t steps = series.windows(series_part::training) / batch;
  auto best = std::make_unique<model_type::parameters_type>(model->parameters());
  double best_squared = measure(*model, series, series_part::validation).squared;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t epoch = 0; epoch < asked.epochs; ++epoch) {
    const double rate =
        first_rate * std::pow(0.5, epoch > 0 ? static_cast<double>(epoch - 1) : 0.0);  // as the released script has it
    double loss = 0;
    for (std::uint64_t step = 0; step < steps; ++step) {
      const auto taught = unless_wrong(teacher->try_step(batch, rate, [&](auto& by, lc::extent_t index) {
        const window at(series, series_part::training,
                        series.order(asked.seed, teacher->progress().steps * batch + index));
        return lc::try_learn_window(by, at.past(), at.future());
      }));
      loss += taught.loss / static_cast<double>(steps);
    }
    const errors valid = measure(*model, series, series_part::validation);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("epoch %2llu: training %.4f, validation %.4f, %.0f s\n", static_cast<unsigned long long>(epoch + 1),
                loss, valid.squared, seconds);
    std::fflush(stdout);
    if (valid.squared < best_squared) {
      best_squared = valid.squared;
      *best = model->parameters();
    }
  }
  model->parameters_to_write() = *best;
  model->update();
  const errors test = measure(*model, series, series_part::test);
  std::printf("test: MSE %.4f, MAE %.4f over %zu windows\n", test.squared, test.absolute,
              series.windows(series_part::test));
  if (!asked.out.empty()) unless_wrong(lc::try_save(*model, asked.out));
  return 0;
}

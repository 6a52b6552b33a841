//! The plot of the benchmark page: wall time of a warm ping over the number of hosts, both axes logarithmic. Plain SVG.

use std::fmt::Write as _;

use super::Cells;
use super::report::{axes, median};
use super::tools::Case;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;
/// Least distance of two labels.
const LABEL_LINE: f64 = 14.0;
/// Distinguishable in print and for colour-blind eyes.
const COLOURS: &[&str] = &["#d55e00", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00", "#555555"];

/// A logarithmic axis from `low` to `high`, drawn from `from` to `to`.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let share = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + share * (self.to - self.from)
    }
}

/// The plot as an SVG document.
pub fn svg(cells: &Cells) -> String {
    let (names, sizes) = axes(cells, Case::Ping);
    let wall = |name, hosts| median(cells.get(&(Case::Ping, hosts, name))?, |sample| sample.wall);
    let walls: Vec<f64> =
        names.iter().flat_map(|name| sizes.iter().filter_map(move |hosts| wall(*name, *hosts))).collect();
    let most = sizes.last().copied().unwrap_or(1).max(2) as f64;
    let x = Axis { low: 1.0, high: most, from: LEFT, to: WIDTH - RIGHT };
    let low = 10_f64.powf(walls.iter().copied().fold(1.0, f64::min).log10().floor());
    let high = 10_f64.powf(walls.iter().copied().fold(1.0, f64::max).log10().ceil()).max(low * 10.0);
    let y = Axis { low, high, from: HEIGHT - BOTTOM, to: TOP };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    svg += &grid(&x, &y, &sizes);
    let points = |name| -> Vec<(f64, f64)> {
        let point = |hosts: &usize| Some((x.at(*hosts as f64), y.at(wall(name, *hosts)?)));
        sizes.iter().filter_map(point).collect()
    };
    let curves: Vec<Curve> = names
        .iter()
        .zip(COLOURS.iter().cycle())
        .map(|(name, colour)| (*name, *colour, points(name)))
        .collect();
    for (name, colour, points) in &curves {
        svg += &curve(colour, points);
        svg += &label(name, colour, points, label_height(&curves, name));
    }
    svg + "</svg>\n"
}

fn grid(x: &Axis, y: &Axis, sizes: &[usize]) -> String {
    let mut svg = String::new();
    let mut tick = y.low;
    while tick <= y.high * 1.001 {
        let (at, right) = (y.at(tick), x.to);
        let _ = writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{tick} s</text>",
            LEFT - 8.0,
            at + 4.0
        );
        tick *= 10.0;
    }
    for &hosts in sizes {
        let at = x.at(hosts as f64);
        let _ = writeln!(svg, "<path d=\"M{at:.1} {TOP}V{:.1}\" stroke=\"#eee\"/>", y.from);
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{hosts}</text>",
            y.from + 18.0
        );
    }
    let middle = (x.from + x.to) / 2.0;
    let _ = writeln!(svg, "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">hosts</text>", HEIGHT - 10.0);
    svg
}

/// Name, colour and points of one tool.
type Curve = (&'static str, &'static str, Vec<(f64, f64)>);

fn curve(colour: &str, points: &[(f64, f64)]) -> String {
    let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let path = path.join(" ");
    let mut svg =
        format!("<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");
    for (x, y) in points {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
    }
    svg
}

fn label(name: &str, colour: &str, points: &[(f64, f64)], height: f64) -> String {
    let x = points.last().map_or(LEFT, |(x, _)| *x) + 8.0;
    format!("<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>\n", height + 4.0)
}

/// Where a label stands: at the end of its curve, pushed down where it would cover the one above.
fn label_height(curves: &[Curve], name: &str) -> f64 {
    let end = |curve: &Curve| Some((curve.2.last()?.1, curve.0));
    let mut ends: Vec<(f64, &str)> = curves.iter().filter_map(end).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = TOP;
    for (height, own) in ends {
        let height = height.max(free);
        if own == name {
            return height;
        }
        free = height + LABEL_LINE;
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_close_curves_do_not_cover_each_other() {
        let curve = |name, end| (name, "#000", vec![(LEFT, 300.0), (400.0, end)]);
        let curves = [curve("b", 101.0), curve("a", 100.0), curve("far", 200.0)];
        assert_eq!(label_height(&curves, "a"), 100.0);
        assert_eq!(label_height(&curves, "b"), 114.0);
        assert_eq!(label_height(&curves, "far"), 200.0);
    }
}

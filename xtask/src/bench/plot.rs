//! A plot as SVG: both axes logarithmic, so that what grows linearly is a straight line of slope one, and such a line
//! beside each series to compare it with.

use std::fmt;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 70.0;
/// Told apart by everybody, on white and in print.
const COLOURS: [&str; 2] = ["#0b62a4", "#b3541e"];

/// A plot.
pub struct Plot {
    /// What is shown.
    pub title: &'static str,
    /// What the horizontal axis counts.
    pub across: &'static str,
    /// What the vertical axis counts.
    pub up: &'static str,
    /// At most as many as there are colours.
    pub series: Vec<Series>,
}

/// A line of a plot.
pub struct Series {
    /// What it is.
    pub name: &'static str,
    /// Its points, all above zero.
    pub points: Vec<(f64, f64)>,
}

/// The decades that an axis shows.
struct Axis {
    from: i32,
    to: i32,
    length: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64>, length: f64) -> Self {
        let (least, most) =
            values.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), it| (least.min(it), most.max(it)));
        let (from, to) = (least.log10().floor() as i32, most.log10().ceil() as i32);
        Self { from, to: to.max(from + 1), length }
    }

    fn place(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.from)) / f64::from(self.to - self.from) * self.length
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.from..=self.to).map(|power| 10_f64.powi(power))
    }
}

impl Plot {
    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.series.iter().flat_map(|series| series.points.iter().copied())
    }

    fn axes(&self) -> (Axis, Axis) {
        let across = Axis::new(self.points().map(|point| point.0), WIDTH - 2.0 * MARGIN);
        (across, Axis::new(self.points().map(|point| point.1), HEIGHT - 2.0 * MARGIN))
    }
}

impl fmt::Display for Plot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (across, up) = self.axes();
        let place = |(x, y): (f64, f64)| (MARGIN + across.place(x), HEIGHT - MARGIN - up.place(y));
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{MARGIN}\" y=\"30\" font-size=\"16\">{}</text>",
            self.title
        )?;
        let (left, bottom) = (MARGIN, HEIGHT - MARGIN);
        let (right, top) = (WIDTH - MARGIN, MARGIN);
        for decade in across.decades() {
            let x = MARGIN + across.place(decade);
            writeln!(out, "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#ddd\"/>")?;
            let y = bottom + 20.0;
            writeln!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{decade}</text>")?;
        }
        for decade in up.decades() {
            let y = HEIGHT - MARGIN - up.place(decade);
            writeln!(out, "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#ddd\"/>")?;
            let x = left - 8.0;
            writeln!(out, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{decade} {}</text>", self.up)?;
        }
        let (x, y) = (WIDTH / 2.0, HEIGHT - 20.0);
        writeln!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", self.across)?;
        for (series, colour) in self.series.iter().zip(COLOURS) {
            line(out, series, colour, &place)?;
        }
        writeln!(out, "</svg>")
    }
}

/// The line of a series, its points and its name; dashed, what would be linear from its last point back.
fn line(
    out: &mut fmt::Formatter<'_>,
    series: &Series,
    colour: &str,
    place: &impl Fn((f64, f64)) -> (f64, f64),
) -> fmt::Result {
    let (Some(first), Some(last)) = (series.points.first(), series.points.last()) else { return Ok(()) };
    let path = |points: &[(f64, f64)]| {
        let points = points.iter().map(|point| place(*point));
        points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>().join("L")
    };
    let linear = (first.0, last.1 * first.0 / last.0);
    writeln!(
        out,
        "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
         <path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"4 4\" opacity=\"0.6\"/>",
        path(&series.points),
        path(&[linear, *last])
    )?;
    for (x, y) in series.points.iter().map(|point| place(*point)) {
        writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>")?;
    }
    let (x, y) = place(*last);
    writeln!(out, "<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", x + 8.0, series.name)
}

//! What was measured: figures with their spread, beside what they should reach, as Markdown, as JSON and as plots.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::machine::Machine;
use super::plot::Plot;

/// A part of the report.
#[derive(Default)]
pub struct Section {
    /// The name by which `--only` selects it, and of its plots' files.
    pub name: String,
    /// What it is about, in a line.
    pub title: String,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// Tables of their own shape.
    pub tables: Vec<Table>,
    /// Plots, by the names of their files.
    pub plots: Vec<(String, Plot)>,
    /// What a reader has to know.
    pub notes: Vec<String>,
}

/// A table of texts.
pub struct Table {
    /// The heads of its columns.
    pub heads: Vec<String>,
    /// As many cells as there are heads, in each.
    pub rows: Vec<Vec<String>>,
}

/// Something measured, once or several times.
pub struct Figure {
    /// What.
    pub measured: String,
    /// In what.
    pub unit: &'static str,
    /// What each run gave.
    pub samples: Vec<f64>,
    /// What it should reach.
    pub goal: Option<Goal>,
    /// What of the same run it is compared with, and its median.
    pub beside: Option<(String, f64)>,
}

/// What a figure should reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// As much or more.
    AtLeast(f64),
    /// As much or less.
    AtMost(f64),
    /// As large a part of what it is compared with, or more.
    PartAtLeast(f64),
    /// As large a multiple of what it is compared with, or less.
    PartAtMost(f64),
}

impl Figure {
    /// A figure without a goal.
    pub fn new(measured: impl Into<String>, unit: &'static str, samples: Vec<f64>) -> Self {
        Self { measured: measured.into(), unit, samples, goal: None, beside: None }
    }

    /// With a goal.
    #[must_use]
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Beside another one of the same run.
    #[must_use]
    pub fn beside(self, other: &Figure) -> Self {
        Self { beside: Some((other.measured.clone(), other.median())), ..self }
    }

    /// The middle one of the samples.
    pub fn median(&self) -> f64 {
        quantile(&self.samples, 50)
    }

    /// By what it is compared with.
    pub fn ratio(&self) -> Option<f64> {
        self.beside.as_ref().filter(|(_, other)| *other > 0.0).map(|(_, other)| self.median() / other)
    }

    /// Whether the goal is met, where there is one and what it takes was measured.
    pub fn is_met(&self) -> Option<bool> {
        Some(match self.goal? {
            Goal::AtLeast(least) => self.median() >= least,
            Goal::AtMost(most) => self.median() <= most,
            Goal::PartAtLeast(least) => self.ratio()? >= least,
            Goal::PartAtMost(most) => self.ratio()? <= most,
        })
    }

    fn goal_words(&self) -> String {
        let words = match self.goal {
            None => return String::new(),
            Some(Goal::AtLeast(least)) => format!("≥ {}", shown(least)),
            Some(Goal::AtMost(most)) => format!("≤ {}", shown(most)),
            Some(Goal::PartAtLeast(least)) => format!("≥ {} ×", shown(least)),
            Some(Goal::PartAtMost(most)) => format!("≤ {} ×", shown(most)),
        };
        match self.is_met() {
            Some(true) => format!("{words}: met"),
            Some(false) => format!("{words}: **missed**"),
            None => words,
        }
    }

    fn row(&self) -> Vec<String> {
        let (least, greatest) = (quantile(&self.samples, 0), quantile(&self.samples, 100));
        let spread = if self.samples.len() > 1 {
            format!("{} to {}", shown(least), shown(greatest))
        } else {
            String::new()
        };
        let beside = self.ratio().zip(self.beside.as_ref());
        let beside = beside.map(|(ratio, (name, _))| format!("{} × {name}", shown(ratio)));
        vec![
            self.measured.clone(),
            format!("{} {}", shown(self.median()), self.unit),
            spread,
            self.samples.len().to_string(),
            beside.unwrap_or_default(),
            self.goal_words(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "measured": self.measured, "unit": self.unit, "median": self.median(), "samples": self.samples,
            "least": quantile(&self.samples, 0), "greatest": quantile(&self.samples, 100),
            "beside": self.beside.as_ref().map(|(name, _)| name), "ratio": self.ratio(),
            "goal": self.goal.map(|_| self.goal_words()), "met": self.is_met(),
        })
    }
}

impl Section {
    /// An empty one.
    pub fn new(name: &str, title: impl Into<String>) -> Self {
        Self { name: name.to_owned(), title: title.into(), ..Self::default() }
    }

    /// The figure of that name.
    pub fn figure(&self, measured: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.measured == measured)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}: {}\n\n", self.name, self.title);
        if !self.figures.is_empty() {
            let heads = ["measured", "median", "least to greatest", "runs", "beside", "goal"];
            let rows = self.figures.iter().map(Figure::row).collect();
            text.push_str(&Table { heads: heads.map(str::to_owned).to_vec(), rows }.markdown());
        }
        for table in &self.tables {
            text.push('\n');
            text.push_str(&table.markdown());
        }
        for note in &self.notes {
            text.push_str(&format!("\n{note}\n"));
        }
        for (file, plot) in &self.plots {
            text.push_str(&format!("\n![{}]({file}.svg)\n", plot.title));
        }
        text
    }

    fn json(&self) -> Value {
        let tables: Vec<Value> = self.tables.iter().map(Table::json).collect();
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        json!({"name": self.name, "title": self.title, "figures": figures, "tables": tables, "notes": self.notes})
    }
}

impl Table {
    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.heads.len()));
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.heads) + &rule + &rows
    }

    fn json(&self) -> Value {
        json!({"heads": self.heads, "rows": self.rows})
    }
}

/// Writes `report.md`, `report.json` and the plots.
pub fn write(directory: &Path, machine: &Machine, sections: &[Section]) -> Result<(), String> {
    let put = |name: String, text: String| {
        let path = directory.join(name);
        fs::write(&path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
    };
    let mut text = format!("# What was measured\n\n{}", machine.markdown());
    for section in sections {
        text.push('\n');
        text.push_str(&section.markdown());
        for (file, plot) in &section.plots {
            put(format!("{file}.svg"), plot.to_string())?;
        }
    }
    put("report.md".to_owned(), text)?;
    let all: Vec<Value> = sections.iter().map(Section::json).collect();
    let all = json!({"machine": machine.json(), "sections": all});
    put("report.json".to_owned(), format!("{all:#}\n"))
}

/// The sample under or at which a share of them is, in percent.
pub fn quantile(samples: &[f64], share: usize) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * share).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

/// Three digits, or whole numbers with their thousands marked.
pub fn shown(value: f64) -> String {
    if value.abs() < 1_000.0 {
        let places = if value.abs() < 10.0 { 2 } else { usize::from(value.abs() < 100.0) };
        let text = format!("{value:.places$}");
        let is_fraction = text.contains('.');
        return if is_fraction { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    }
    let digits = format!("{value:.0}");
    let mut marked = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            marked.push(',');
        }
        marked.push(digit);
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::{Figure, Goal, quantile, shown};

    #[test]
    fn numbers_are_shown_with_three_digits_and_thousands() {
        let cases = [
            (0.5, "0.5"),
            (1.0, "1"),
            (12.34, "12.3"),
            (999.6, "1000"),
            (1_234_567.0, "1,234,567"),
            (0.0, "0"),
        ];
        assert!(cases.iter().all(|(value, text)| shown(*value) == *text));
    }

    #[test]
    fn quantiles_are_samples() {
        let samples = [3.0, 1.0, 2.0, 4.0];
        assert_eq!([0, 50, 99, 100].map(|share| quantile(&samples, share)), [1.0, 2.0, 4.0, 4.0]);
        assert_eq!(quantile(&[], 50), 0.0);
    }

    #[test]
    fn goals_are_met_by_figures_or_by_what_they_are_beside() {
        let figure = || Figure::new("fold", "events/s", vec![80.0, 90.0, 100.0]);
        assert_eq!(figure().goal(Goal::AtLeast(90.0)).is_met(), Some(true));
        assert_eq!(figure().goal(Goal::AtMost(89.0)).is_met(), Some(false));
        let bare = Figure::new("bare", "events/s", vec![100.0]);
        assert_eq!(figure().beside(&bare).goal(Goal::PartAtLeast(0.91)).is_met(), Some(false));
        assert_eq!(figure().beside(&bare).goal(Goal::PartAtMost(0.9)).is_met(), Some(true));
        assert_eq!(figure().goal(Goal::PartAtLeast(0.5)).is_met(), None);
    }
}

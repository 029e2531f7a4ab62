//! Which cells of a column are marked best or worst.
//!
//! One rule for seconds and one for bytes, found on the article's own marks. No colours in here.

/// How a cell is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Among the best of its column; green in the article.
    Best,
    /// Among the worst of its column; red in the article.
    Worst,
}

/// When a cell is marked. The three conditions, in words: a column is marked at all when its worst
/// figure is at least `spread` times its best; a cell is best up to `near` times the best figure; it
/// is worst down to the worst figure divided by `near`, if it exceeds the best by at least `least`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkRule {
    /// Factor within which figures count as equally good or bad.
    pub near: f64,
    /// Factor between best and worst below which nothing is marked.
    pub spread: f64,
    /// Difference from the best, in the column's unit, below which nothing is called worst.
    pub least: f64,
}

impl MarkRule {
    /// For seconds. 3 % is also the change below which no comparison calls one. The article leaves
    /// its slowest warm builds unmarked, a quarter of a second behind the best, and marks red what is
    /// 0.31 s behind: so nothing is bad that costs less than 0.3 s. With this the rule gives the
    /// article's own marks in all 30 cells (and [`MarkRule::BYTES`] in the 6 sizes).
    pub const SECONDS: Self = Self { near: 1.03, spread: 1.10, least: 0.3 };

    /// For image sizes in bytes.
    pub const BYTES: Self = Self { near: 1.03, spread: 1.10, least: 0.0 };

    /// The marks of one column; cells without a figure have none.
    #[must_use]
    pub fn marks(&self, column: &[Option<f64>]) -> Vec<Option<Mark>> {
        let known = || column.iter().flatten().copied().filter(|v| v.is_finite());
        let best = known().fold(f64::INFINITY, f64::min);
        let worst = known().fold(f64::NEG_INFINITY, f64::max);
        if known().count() < 2 || worst < best * self.spread || worst <= best {
            return vec![None; column.len()];
        }
        let mark = |value: f64| {
            if value <= best * self.near {
                Some(Mark::Best)
            } else if value >= worst / self.near && value - best >= self.least {
                Some(Mark::Worst)
            } else {
                None
            }
        };
        column.iter().map(|value| value.and_then(mark)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The article's table, by column from the top: figure, and its mark there.
    const COLUMNS: [(&str, [f64; 6], &str); 5] = [
        ("cold", [20.61, 10.413, 21.066, 21.171, 20.587, 10.243], "rgrrrg"),
        ("warm", [0.4535, 0.437, 0.665, 0.667, 0.688, 0.643], ".g...."),
        ("sources", [1.6415, 1.62, 1.268, 1.391, 0.458, 0.459], "rr..gg"),
        ("main requirements", [1.628, 1.623, 1.311, 1.446, 1.448, 1.437], "rrg..."),
        ("dev requirements", [1.817, 1.836, 1.353, 1.460, 1.319, 1.307], "rr..gg"),
    ];

    fn letters(marks: &[Option<Mark>]) -> String {
        let letter = |mark: &Option<Mark>| match mark {
            Some(Mark::Best) => 'g',
            Some(Mark::Worst) => 'r',
            None => '.',
        };
        marks.iter().map(letter).collect()
    }

    #[test]
    fn the_articles_marks_come_out_in_all_cells() {
        for (name, figures, marks) in COLUMNS {
            let column = figures.map(Some);
            assert_eq!(letters(&MarkRule::SECONDS.marks(&column)), marks, "{name}");
        }
        let sizes = [1.15e9, 289e6, 161e6, 161e6, 161e6, 161e6].map(Some);
        assert_eq!(letters(&MarkRule::BYTES.marks(&sizes)), "r.gggg");
    }

    #[test]
    fn columns_that_tell_nothing_stay_unmarked() {
        for column in [
            vec![],
            vec![None, None],
            vec![Some(3.0)],
            vec![Some(3.0), None],
            vec![Some(3.0), Some(3.2)],
            vec![Some(0.0), Some(0.0)],
            vec![Some(f64::NAN), Some(1.0)],
        ] {
            let marks = MarkRule::SECONDS.marks(&column);
            assert_eq!(marks, vec![None; column.len()], "{column:?}");
        }
    }
}

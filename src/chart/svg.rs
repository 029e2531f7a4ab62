//! A scene as SVG: alone with its own colours, or as a part of a page that has them.
//!
//! Every text from outside is escaped here and nowhere else.

use super::frame::MARGIN;
use super::ink::Ink;
use super::picture::Chart;
use super::scene::{Anchor, Form, Label, Scene, Shape};
use crate::text::visible;
use std::fmt::Write as _;
use std::io::{self, Write};

/// What an SVG is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    /// A file of its own.
    Alone,
    /// A part of an HTML page that holds [`style`].
    Inline,
    /// A file of its own for readers that know neither variables nor themes: in the light one.
    #[cfg(feature = "png")]
    Light,
}

const FONTS: &str = "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu Sans\",sans-serif";

/// The style sheet of all charts: colours by theme, fonts.
#[must_use]
pub fn style() -> String {
    let mut css = String::from("svg.chart{");
    let colors = |css: &mut String, dark: bool| {
        for ink in Ink::ALL {
            let (name, light, night) = ink.colors();
            let _ = write!(css, "--c-{name}:{};", if dark { night } else { light });
        }
    };
    colors(&mut css, false);
    let _ = write!(css, "font-family:{FONTS}}}");
    // Printed on paper, a dark theme is a waste of ink.
    css.push_str("@media screen and (prefers-color-scheme:dark){svg.chart{");
    colors(&mut css, true);
    css.push_str("}}");
    classes(&mut css, |ink| format!("var(--c-{})", ink.colors().0));
    css
}

/// The same without variables, in the light theme.
#[cfg(feature = "png")]
fn light() -> String {
    let mut css = format!("svg.chart{{font-family:{FONTS}}}");
    classes(&mut css, |ink| ink.colors().1.to_owned());
    css
}

fn classes(css: &mut String, color: impl Fn(Ink) -> String) {
    css.push_str("svg.chart text{unicode-bidi:isolate}svg.chart .b{font-weight:600}svg.chart .d{stroke-dasharray:3 3}");
    let _ = write!(css, "svg.chart .pt{{fill:none;stroke:{};stroke-opacity:.3}}", color(Ink::OnFill));
    for ink in Ink::ALL {
        let ((name, ..), color) = (ink.colors(), color(ink));
        let _ = write!(css, "svg.chart .f-{name}{{fill:{color}}}svg.chart .s-{name}{{fill:none;stroke:{color}}}");
    }
}

/// Text for an element or an attribute. Characters that XML forbids are gone already.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // The two that are neither control characters nor allowed in XML.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A length with a tenth of a pixel, and no digit more than it needs.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Height of the line above a picture that stands alone, with its title.
const TITLE: f64 = 40.0;

impl Chart {
    /// Writes it as SVG.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write_svg(&self, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
        write(self, dress, out)
    }
}

/// Writes a picture. Its name makes the ids inside unique on a page.
fn write(chart: &Chart, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    let (scene, name) = (&chart.scene, &chart.name);
    let alone = dress != Dress::Inline;
    let above = if alone { TITLE } else { 0.0 };
    let (width, height, top) = (px(scene.width), px(scene.height + above), px(-above));
    if alone {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    }
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 {top} {width} {height}\" role=\"img\" aria-labelledby=\"{name}-t {name}-d\">"
    )?;
    writeln!(out, "<title id=\"{name}-t\">{}</title>", escape(&visible(&chart.title)))?;
    writeln!(out, "<desc id=\"{name}-d\">{}</desc>", escape(&visible(&chart.description)))?;
    if alone {
        // In XML, unlike in HTML, a style sheet is text like any other.
        let style = match dress {
            #[cfg(feature = "png")]
            Dress::Light => light(),
            _ => style(),
        };
        writeln!(out, "<style>{}</style>", escape(&style))?;
    }
    defs(scene, name, out)?;
    if alone {
        writeln!(out, "<rect class=\"f-paper\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>")?;
        let mut head = Scene::new(scene.width, TITLE);
        head.label(Label {
            text: &chart.title,
            at: (MARGIN, -14.0),
            room: scene.width - 2.0 * MARGIN,
            size: 17.0,
            anchor: Anchor::Start,
            ink: Ink::Text,
            bold: true,
        });
        head.shapes.iter().try_for_each(|shape| write_shape(shape, name, out))?;
    }
    for shape in &scene.shapes {
        write_shape(shape, name, out)?;
    }
    writeln!(out, "</svg>")
}

/// The patterns that occur.
fn defs(scene: &Scene, name: &str, out: &mut dyn Write) -> io::Result<()> {
    let used = |ink: &&Ink| !ink.pattern().is_empty() && scene.shapes.iter().any(|shape| patterned(shape, **ink));
    let inks: Vec<&Ink> = Ink::ALL.iter().filter(used).collect();
    if inks.is_empty() {
        return Ok(());
    }
    writeln!(out, "<defs>")?;
    for ink in inks {
        writeln!(
            out,
            "<pattern id=\"{name}-{ink}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
             <path class=\"pt\" d=\"{}\"/></pattern>",
            ink.pattern(),
            ink = ink.colors().0
        )?;
    }
    writeln!(out, "</defs>")
}

fn patterned(shape: &Shape, ink: Ink) -> bool {
    shape.ink == ink && matches!(shape.form, Form::Rect { filled: true, .. })
}

fn write_shape(shape: &Shape, name: &str, out: &mut dyn Write) -> io::Result<()> {
    let ink = shape.ink.colors().0;
    let title = shape.title.as_ref().map(|title| format!("<title>{}</title>", escape(title))).unwrap_or_default();
    let points = |points: &[(f64, f64)]| {
        let points = points.iter().map(|(x, y)| format!("{} {}", px(*x), px(*y)));
        points.collect::<Vec<_>>().join("L")
    };
    let close = |tag: &str| if title.is_empty() { "/>".to_owned() } else { format!(">{title}</{tag}>") };
    let class = |filled: bool| format!("{}-{ink}", if filled { "f" } else { "s" });
    match &shape.form {
        Form::Rect { x, y, width, height, filled } => {
            let place =
                format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", px(*x), px(*y), px(*width), px(*height));
            if !filled || shape.ink.pattern().is_empty() {
                return writeln!(out, "<rect class=\"{}\" {place}{}", class(*filled), close("rect"));
            }
            // The pattern lies over the fill; the title belongs to both.
            writeln!(out, "<g>{title}<rect class=\"f-{ink}\" {place}/><rect fill=\"url(#{name}-{ink})\" {place}/></g>")
        }
        Form::Line { points: line, width, dashed } => {
            let dashed = if *dashed { " d" } else { "" };
            let line = points(line);
            let width = px(*width);
            writeln!(out, "<path class=\"s-{ink}{dashed}\" stroke-width=\"{width}\" d=\"M{line}\"{}", close("path"))
        }
        Form::Area { points: area } => {
            writeln!(out, "<path class=\"f-{ink}\" d=\"M{}Z\"{}", points(area), close("path"))
        }
        Form::Circle { x, y, radius, filled } => writeln!(
            out,
            "<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\"{}",
            class(*filled),
            px(*x),
            px(*y),
            px(*radius),
            close("circle")
        ),
        Form::Text { x, y, size, anchor, bold, text } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let bold = if *bold { " b" } else { "" };
            writeln!(
                out,
                "<text class=\"f-{ink}{bold}\" x=\"{}\" y=\"{}\" font-size=\"{}\"{anchor}>{title}{}</text>",
                px(*x),
                px(*y),
                px(*size),
                escape(text)
            )
        }
    }
}

//! Lets plotters draw on a canvas of the page.
//!
//! Text is measured by the canvas itself. Plotters' own way on the web
//! puts styled elements into the page, which the content policy forbids.
//! Coordinates are CSS pixels; the context is scaled for the screen.

use std::fmt;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use web_sys::CanvasRenderingContext2d;

/// A canvas as plotters sees it.
pub struct CanvasBackend {
    context: CanvasRenderingContext2d,
    size: (u32, u32),
}

/// The canvas refused; it never says why.
#[derive(Debug)]
pub struct CanvasError;

impl fmt::Display for CanvasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the canvas could not be drawn on")
    }
}

impl std::error::Error for CanvasError {}

type Drawn = Result<(), DrawingErrorKind<CanvasError>>;

impl CanvasBackend {
    /// Draws on `context`, which is scaled to CSS pixels, `size` of them.
    pub fn new(context: CanvasRenderingContext2d, size: (u32, u32)) -> Self {
        Self { context, size }
    }

    fn trace(&self, path: impl IntoIterator<Item = BackendCoord>) {
        self.context.begin_path();
        for (index, (x, y)) in path.into_iter().enumerate() {
            let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            if index == 0 {
                self.context.move_to(x, y);
            } else {
                self.context.line_to(x, y);
            }
        }
    }

    fn stroke<S: BackendStyle>(&self, style: &S) {
        self.context.set_stroke_style_str(&css(style.color()));
        self.context.set_line_width(f64::from(style.stroke_width()));
        self.context.stroke();
    }

    fn fill<S: BackendStyle>(&self, style: &S) {
        self.context.set_fill_style_str(&css(style.color()));
        self.context.fill();
    }

    fn set_font<S: BackendTextStyle>(&self, style: &S) {
        let font =
            format!("{} {}px {}", style.style().as_str(), style.size(), style.family().as_str());
        self.context.set_font(&font);
    }
}

fn css(color: BackendColor) -> String {
    let (red, green, blue) = color.rgb;
    format!("rgba({red},{green},{blue},{})", color.alpha)
}

impl DrawingBackend for CanvasBackend {
    type ErrorType = CanvasError;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.context.set_fill_style_str(&css(color));
        self.context.fill_rect(f64::from(x), f64::from(y), 1.0, 1.0);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.trace([from, to]);
        self.stroke(style);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (left, top) = (f64::from(upper_left.0), f64::from(upper_left.1));
        let (right, bottom) = (f64::from(bottom_right.0), f64::from(bottom_right.1));
        self.context.begin_path();
        self.context.rect(left, top, right - left, bottom - top);
        if fill {
            self.fill(style);
        } else {
            self.stroke(style);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.trace(path);
        self.stroke(style);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.context.begin_path();
        let turn = std::f64::consts::TAU;
        self.context
            .arc(f64::from(x), f64::from(y), f64::from(radius), 0.0, turn)
            .map_err(|_| DrawingErrorKind::DrawingError(CanvasError))?;
        if fill {
            self.fill(style);
        } else {
            self.stroke(style);
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.trace(corners);
        self.context.close_path();
        self.fill(style);
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let color = style.color();
        if color.alpha == 0.0 {
            return Ok(());
        }
        self.set_font(style);
        self.context.set_fill_style_str(&css(color));
        self.context.set_text_align(match style.anchor().h_pos {
            HPos::Left => "left",
            HPos::Center => "center",
            HPos::Right => "right",
        });
        self.context.set_text_baseline(match style.anchor().v_pos {
            VPos::Top => "top",
            VPos::Center => "middle",
            VPos::Bottom => "bottom",
        });
        self.context
            .fill_text(text, f64::from(x), f64::from(y))
            .map_err(|_| DrawingErrorKind::DrawingError(CanvasError))
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<CanvasError>> {
        self.set_font(style);
        let measure = self
            .context
            .measure_text(text)
            .map_err(|_| DrawingErrorKind::DrawingError(CanvasError))?;
        Ok((measure.width().ceil() as u32, style.size().ceil() as u32))
    }
}

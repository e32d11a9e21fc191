//! Icons as drawings, since not every system's fonts have the glyphs.

use yew::prelude::*;

/// What an icon shows.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Icon {
    Play,
    Pause,
    PreviousIncident,
    StepBack,
    StepForward,
    NextIncident,
    Dice,
    ThemeSystem,
    ThemeLight,
    ThemeDark,
    Close,
    Left,
    Right,
    Plus,
    Minus,
    Up,
    Down,
    Pin,
    Hide,
    Undo,
    Redo,
}

impl Icon {
    /// Its outline, on a square of 16.
    fn path(self) -> &'static str {
        match self {
            Self::Play => "M4 2.5v11l9.5-5.5z",
            Self::Pause => "M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z",
            Self::PreviousIncident => "M2 3h2v10H2zM14 3v10L5 8z",
            Self::NextIncident => "M12 3h2v10h-2zM2 3v10l9-5z",
            Self::StepBack => "M10.5 2.5 5 8l5.5 5.5 1.4-1.4L7.8 8l4.1-4.1z",
            Self::StepForward => "M5.5 2.5 11 8l-5.5 5.5-1.4-1.4L8.2 8 4.1 3.9z",
            Self::Dice => {
                "M2 2h12v12H2zM3.5 3.5v9h9v-9zM5 5h2v2H5zM9 5h2v2H9zM7 7h2v2H7zM5 9h2v2H5zM9 9h2v2H9z"
            }
            Self::ThemeSystem => {
                "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 3a5 5 0 0 1 0 10z"
            }
            Self::ThemeLight => {
                "M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM7.2 0h1.6v3H7.2zM7.2 13h1.6v3H7.2zM0 7.2h3v1.6H0zM13 7.2h3v1.6h-3z"
            }
            Self::ThemeDark => "M11 1.9A6.5 6.5 0 1 0 14.4 10 5.3 5.3 0 0 1 11 1.9z",
            Self::Close => {
                "M3.4 2 8 6.6 12.6 2 14 3.4 9.4 8l4.6 4.6-1.4 1.4L8 9.4 3.4 14 2 12.6 6.6 8 2 3.4z"
            }
            Self::Left => "M11 2v12L3 8z",
            Self::Right => "M5 2v12l8-6z",
            Self::Plus => "M7 2h2v5h5v2H9v5H7V9H2V7h5z",
            Self::Minus => "M2 7h12v2H2z",
            Self::Undo => "M6 2 1 6.5 6 11V8h4a2.5 2.5 0 0 1 0 5H7v2h3a4.500 4.500 0 0 0 0-9H6z",
            Self::Redo => {
                "M10 2l5 4.500L10 11V8H6a2.5 2.5 0 0 0 0 5h3v2H6a4.500 4.500 0 0 1 0-9h4z"
            }
            Self::Up => "M2 11h12L8 3z",
            Self::Down => "M2 5h12l-6 8z",
            Self::Pin => {
                "M5 1h6v1.6l-1 .6v4l2.4 2.2V11H8.8v4L8 16l-.8-1v-4H3.600V9.4L6 7.2v-4l-1-.6z"
            }
            Self::Hide => {
                "M8 3.500c3.200 0 5.800 2 7.300 4.500-.6 1-1.400 1.900-2.300 2.600l3 3-1.100 1.100L1.100 1.900 2.200.8l3.100 3.100C6.100 3.600 7 3.500 8 3.500zM3.300 5 .7 8c1.500 2.500 4.100 4.500 7.300 4.500.8 0 1.600-.1 2.300-.4l-1.700-1.700a2.500 2.500 0 0 1-3.100-3.100z"
            }
        }
    }
}

/// Draws it; the button around it carries the name. A function and no
/// component: it has no state, and components weigh.
pub fn drawing(icon: Icon) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path fill-rule="evenodd" d={icon.path()}></path>
        </svg>
    }
}

/// A button that is a drawing: its name is read aloud, its title adds the key. A function like
/// `drawing`: the program has each such button's texts, and this once.
pub fn icon_button(
    icon: Icon,
    name: impl Into<AttrValue>,
    title: impl Into<AttrValue>,
    onclick: Callback<MouseEvent>,
    disabled: bool,
) -> Html {
    button(drawing(icon), Some(name.into()), title.into(), onclick, disabled)
}

/// A button with a word on it, and a title that says more.
pub fn text_button(
    text: impl Into<AttrValue>,
    title: impl Into<AttrValue>,
    onclick: Callback<MouseEvent>,
    disabled: bool,
) -> Html {
    button(html! { text.into() }, None, title.into(), onclick, disabled)
}

#[inline(never)]
fn button(
    content: Html,
    name: Option<AttrValue>,
    title: AttrValue,
    onclick: Callback<MouseEvent>,
    disabled: bool,
) -> Html {
    html! { <button type="button" {onclick} {disabled} aria-label={name} {title}>{ content }</button> }
}

//! English in foreign dress: accented, 40 % longer, between brackets. What is read plainly on the page
//! was never given to a translator; what is cut off has too little room for most languages.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// Remembers what it said, so that each sentence is made once.
#[derive(Default)]
pub(super) struct Pseudo {
    said: RefCell<BTreeMap<&'static str, &'static str>>,
}

impl Pseudo {
    pub(super) fn say(&self, key: &'static str) -> &'static str {
        if let Some(said) = self.said.borrow().get(key) {
            return said;
        }
        // As many as the program has sentences, at most.
        let said: &'static str = dressed(key).leak();
        self.said.borrow_mut().insert(key, said);
        said
    }
}

/// `Next incident` as `[Ñéẋţ íñćíðéñţ······]`; placeholders stay.
pub(super) fn dressed(key: &str) -> String {
    let inner = key.trim();
    if inner.is_empty() {
        return key.to_owned();
    }
    let (before, after) = key.split_once(inner).unwrap_or_default();
    let mut text = format!("{before}[");
    let (mut letters, mut is_name) = (0_usize, false);
    for letter in inner.chars() {
        match letter {
            '{' => is_name = true,
            '}' => is_name = false,
            _ => {}
        }
        letters += usize::from(!is_name && letter != '}');
        text.push(if is_name { letter } else { accented(letter) });
    }
    text.extend(std::iter::repeat_n('·', (letters * 2).div_ceil(5)));
    text + "]" + after
}

fn accented(letter: char) -> char {
    const PLAIN: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const DRESSED: &str = "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž";
    let place = PLAIN.find(letter);
    place.and_then(|place| DRESSED.chars().nth(place)).unwrap_or(letter)
}

//! Scenarios kept on this machine, and nowhere else: a list of names and
//! texts, as one string for the browser's storage.

/// Between two drafts, and between a name and its text: no scenario has them.
const RECORD: char = '\u{1e}';
const UNIT: char = '\u{1f}';
/// Drafts kept; more push the oldest out.
pub const DRAFTS_MAX: usize = 40;
/// Letters of a name.
const NAME_MAX: usize = 60;

/// A text as it is stored.
fn clean(text: &str) -> String {
    text.chars().filter(|letter| *letter != RECORD && *letter != UNIT).collect()
}

/// A scenario that was edited.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    pub name: String,
    pub text: String,
}

/// All drafts, the one edited last first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Drafts(pub Vec<Draft>);

impl Drafts {
    pub fn read(stored: &str) -> Self {
        let one = |record: &str| {
            let (name, text) = record.split_once(UNIT)?;
            Some(Draft { name: name.to_owned(), text: text.to_owned() })
        };
        Self(stored.split(RECORD).filter_map(one).take(DRAFTS_MAX).collect())
    }

    pub fn written(&self) -> String {
        let records = self.0.iter().map(|draft| format!("{}{UNIT}{}", draft.name, draft.text));
        records.collect::<Vec<_>>().join(&RECORD.to_string())
    }

    pub fn find(&self, name: &str) -> Option<&Draft> {
        self.0.iter().find(|draft| draft.name == name)
    }

    /// The name that a text is kept under, if it is.
    pub fn holding(&self, text: &str) -> Option<&str> {
        let text = clean(text);
        self.0.iter().find(|draft| draft.text == text).map(|draft| draft.name.as_str())
    }

    /// Keeps what became of a text, and says under which name: the one it has, unless another
    /// text stands there by now, as another tab may have put it; or else one after `title`.
    pub fn follow(&mut self, name: Option<&str>, before: &str, now: &str, title: &str) -> String {
        let is_ours = |name: &&str| self.find(name).is_none_or(|it| it.text == clean(before));
        let own = name.filter(is_ours).or_else(|| self.holding(before)).map(str::to_owned);
        let name = own.unwrap_or_else(|| self.free_name(title));
        self.keep(&name, now);
        name
    }

    /// Keeps a text under a name, in front.
    pub fn keep(&mut self, name: &str, text: &str) {
        self.remove(name);
        self.0.insert(0, Draft { name: name.to_owned(), text: clean(text) });
        self.0.truncate(DRAFTS_MAX);
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|draft| draft.name != name);
    }

    /// Gives a draft another name, which no other has; that name.
    pub fn rename(&mut self, from: &str, to: &str) -> String {
        if from == to {
            return to.to_owned();
        }
        let name = self.free_name(to);
        if let Some(draft) = self.0.iter_mut().find(|draft| draft.name == from) {
            draft.name.clone_from(&name);
        }
        name
    }

    /// The name, or, where that is taken, the name with a number.
    pub fn free_name(&self, wanted: &str) -> String {
        let clean: String =
            wanted.trim().chars().filter(|letter| !letter.is_control()).take(NAME_MAX).collect();
        let clean = if clean.is_empty() { "draft".to_owned() } else { clean };
        let numbered = (2..).map(|number| format!("{clean} {number}"));
        let mut names = std::iter::once(clean.clone()).chain(numbered);
        names.find(|name| self.find(name).is_none()).unwrap_or(clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_survive_storage() {
        let mut drafts = Drafts::default();
        drafts.keep("one", "schema = 1\n");
        drafts.keep("two", "title = \"ü\"\n\n");
        drafts.keep("one", "schema = 1\n# more\u{1e}\n");
        let again = Drafts::read(&drafts.written());
        assert_eq!(again, drafts);
        let names: Vec<&str> = again.0.iter().map(|draft| draft.name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(
            again.find("one").map(|draft| draft.text.as_str()),
            Some("schema = 1\n# more\n")
        );
        assert_eq!(Drafts::read(""), Drafts::default());
        assert_eq!(Drafts::read("no separator").0, []);
    }

    #[test]
    fn text_that_is_kept_goes_on_under_its_name() {
        let mut drafts = Drafts::default();
        assert_eq!(drafts.follow(None, "0", "1", "title"), "title");
        assert_eq!(drafts.follow(Some("title"), "1", "2", "title"), "title");
        // After a reload nobody knows the name, but the text is there.
        assert_eq!(drafts.follow(None, "2", "3", "title"), "title");
        // The same beginning edited another way is another draft.
        assert_eq!(drafts.follow(None, "0", "x", "title"), "title 2");
        assert_eq!(drafts.holding("3\u{1e}"), Some("title"));
        assert_eq!(drafts.holding("2"), None);
        assert_eq!(drafts.0.len(), 2);
    }

    #[test]
    fn two_tabs_do_not_write_over_each_other() {
        let mut stored = Drafts::default();
        let here = stored.follow(None, "0", "1", "title");
        let there = stored.follow(Some(&here), "1", "1 there", "title");
        assert_eq!(there, here);
        let here = stored.follow(Some(&here), "1", "1 here", "title");
        assert_eq!(here, "title 2");
        assert_eq!(stored.find(&there).unwrap().text, "1 there");
        stored.remove(&here);
        assert_eq!(stored.follow(Some(&here), "1 here", "2 here", "title"), here);
    }

    #[test]
    fn names_are_unique() {
        let mut drafts = Drafts::default();
        drafts.keep("mine", "a");
        drafts.keep("other", "b");
        assert_eq!(drafts.free_name(" mine\n"), "mine 2");
        assert_eq!(drafts.rename("other", "mine"), "mine 2");
        assert_eq!(drafts.rename("mine", "mine"), "mine");
        assert_eq!(drafts.rename("mine", "  "), "draft");
        assert!(drafts.find("draft").is_some());
        drafts.remove("draft");
        assert_eq!(drafts.0.len(), 1);
    }
}

//! What a sweep varies besides its seeds, as it is typed: lists of values,
//! every one of which is run with each of the others. The command line's
//! and the page's sweep read it by the same rules.

use std::collections::BTreeSet;

/// Values to try, by the path of what they are values of.
pub type Grid = Vec<(String, Vec<String>)>;

/// A path and what is set there.
pub fn path_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected path=value, such as task.hog.oom_score_adj=0".to_owned()),
    }
}

/// The values of a list. Commas inside brackets and quotes are a value's own.
pub fn values_of(list: &str) -> Vec<String> {
    let (mut depth, mut quote, mut start) = (0_u32, None, 0);
    let mut values = Vec::new();
    for (at, letter) in list.char_indices() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => quote = Some(letter),
            ('[' | '{' | '(', None) => depth += 1,
            (']' | '}' | ')', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => {
                values.push(list[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    values.push(list[start..].trim().to_owned());
    values
}

/// Refuses what stands there twice: its runs would count twice.
pub fn refuse_twice(policies: &[String], kernels: &[String], grid: &Grid) -> Result<(), String> {
    let mut paths = BTreeSet::new();
    if let Some((path, _)) = grid.iter().find(|(path, _)| !paths.insert(path)) {
        return Err(format!("{path}: given twice; expected its values in one list"));
    }
    let lists = [("policy", policies), ("kernel", kernels)].into_iter();
    for (name, list) in lists.chain(grid.iter().map(|(path, list)| (path.as_str(), &list[..]))) {
        let mut seen = BTreeSet::new();
        if let Some(again) = list.iter().find(|value| !seen.insert(*value)) {
            return Err(format!(
                "{name}: {again} is given twice: expected each once, or its runs count twice"
            ));
        }
    }
    Ok(())
}

/// Every choice of one value per path, the last path varying fastest; no more than `most`.
pub fn combinations(grid: &Grid, most: usize) -> Vec<Vec<(String, String)>> {
    let mut all = vec![Vec::new()];
    for (path, values) in grid {
        let longer = all.iter().flat_map(|chosen: &Vec<(String, String)>| {
            values.iter().map(move |value| {
                let mut chosen = chosen.clone();
                chosen.push((path.clone(), value.clone()));
                chosen
            })
        });
        all = longer.take(most).collect();
    }
    all
}

/// One choice of values as it stands behind a policy's name: `machine.cpus=1 machine.hz=250`. There
/// is no comma in it, so that such names can stand in lists.
pub fn values_text<T: AsRef<str>>(values: impl IntoIterator<Item = (T, T)>) -> String {
    let texts =
        values.into_iter().map(|(path, value)| format!("{}={}", path.as_ref(), value.as_ref()));
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(lists: &[(&str, &str)]) -> Grid {
        lists.iter().map(|(path, list)| ((*path).to_owned(), values_of(list))).collect()
    }

    #[test]
    fn values_are_split_at_their_own_level() {
        assert_eq!(values_of("1GiB, 2GiB"), ["1GiB", "2GiB"]);
        let nested = "4ms,{ uniform = { lo = \"1ms\", hi = \"2ms\" } },\"a,b\"";
        assert_eq!(
            values_of(nested),
            ["4ms", "{ uniform = { lo = \"1ms\", hi = \"2ms\" } }", "\"a,b\""]
        );
    }

    #[test]
    fn every_value_meets_every_other() {
        let met = |most: usize| -> Vec<String> {
            let all = combinations(&grid(&[("a", "1,2"), ("b", "x,y")]), most);
            all.iter().map(|it| it.iter().map(|(_, value)| value.as_str()).collect()).collect()
        };
        assert_eq!(met(9), ["1x", "1y", "2x", "2y"]);
        assert_eq!(met(3), ["1x", "1y", "2x"]);
        assert_eq!(combinations(&Grid::new(), 9), [Vec::new()]);
    }

    #[test]
    fn nothing_counts_twice() {
        let twice = |policies: &[&str], lists: &[(&str, &str)]| {
            let policies: Vec<String> = policies.iter().map(|it| (*it).to_owned()).collect();
            refuse_twice(&policies, &[], &grid(lists))
        };
        assert_eq!(twice(&["nonblock"], &[("a", "1,2"), ("b", "1,2")]), Ok(()));
        let error = twice(&["nonblock", "nonblock"], &[]).unwrap_err();
        assert!(error.starts_with("policy: nonblock is given twice"), "{error}");
        let error = twice(&[], &[("a", "1,2,1")]).unwrap_err();
        assert!(error.starts_with("a: 1 is given twice"), "{error}");
        let error = twice(&[], &[("a", "1"), ("a", "2")]).unwrap_err();
        assert!(error.starts_with("a: given twice"), "{error}");
    }

    #[test]
    fn a_choice_is_named_without_commas() {
        let chosen =
            combinations(&grid(&[("machine.cpus", "1"), ("machine.hz", "250")]), 9).remove(0);
        let chosen = chosen.iter().map(|(path, value)| (path, value));
        assert_eq!(values_text(chosen), "machine.cpus=1 machine.hz=250");
    }
}

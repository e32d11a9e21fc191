//! The rule of a catalogue's header that says which form a number takes, such as
//! `nplurals=3; plural=(n%10==1 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);`: C's operators over `n`.
//!
//! A rule that is none, or divides by zero, has every number take the first form.

/// Binary operators, those that bind least first.
const OPERATORS: [&[&str]; 6] =
    [&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

/// How deep parentheses and conditions may nest.
const DEPTH_MAX: usize = 50;

/// The form of `count` under this rule, from 0.
pub(super) fn form(header: &str, count: u64) -> usize {
    let rule = header.split(';').find_map(|it| it.trim().strip_prefix("plural="));
    let value = rule.and_then(|rule| {
        let mut reader = Reader { rest: rule, count, depth: 0 };
        let value = reader.condition()?;
        reader.rest.trim().is_empty().then_some(value)
    });
    value.and_then(|value| usize::try_from(value).ok()).unwrap_or(0)
}

struct Reader<'a> {
    rest: &'a str,
    count: u64,
    depth: usize,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn condition(&mut self) -> Option<u64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let asked = self.binary(0)?;
        let value = if self.takes("?") {
            let yes = self.condition()?;
            let no = self.takes(":").then(|| self.condition())??;
            if asked == 0 { no } else { yes }
        } else {
            asked
        };
        self.depth -= 1;
        Some(value)
    }

    fn binary(&mut self, level: usize) -> Option<u64> {
        let Some(operators) = OPERATORS.get(level) else {
            return self.operand();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(sign) = operators.iter().copied().find(|sign| self.takes(sign)) {
            let right = self.binary(level + 1)?;
            left = match sign {
                "||" => u64::from(left != 0 || right != 0),
                "&&" => u64::from(left != 0 && right != 0),
                "==" => u64::from(left == right),
                "!=" => u64::from(left != right),
                "<=" => u64::from(left <= right),
                ">=" => u64::from(left >= right),
                "<" => u64::from(left < right),
                ">" => u64::from(left > right),
                "+" => left.checked_add(right)?,
                "-" => left.checked_sub(right)?,
                "*" => left.checked_mul(right)?,
                "/" => left.checked_div(right)?,
                _ => left.checked_rem(right)?,
            };
        }
        Some(left)
    }

    fn operand(&mut self) -> Option<u64> {
        if self.takes("!") {
            return Some(u64::from(self.operand()? == 0));
        }
        if self.takes("(") {
            let value = self.condition()?;
            return self.takes(")").then_some(value);
        }
        if self.takes("n") {
            return Some(self.count);
        }
        let text = self.rest.trim_start();
        let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        self.rest = rest;
        digits.parse().ok()
    }
}

//! Which known name somebody meant.

/// A question after the names that are near, such as ` (did you mean "x"?)`; empty where none is.
pub fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    // A slip in every four characters is still the same word.
    let most = (name.chars().count() / 4).clamp(1, 4);
    let mut near: Vec<(usize, &str)> =
        known.map(|other| (distance(name, other), other)).filter(|(far, _)| *far <= most).collect();
    near.sort_unstable();
    let names: Vec<String> = near.iter().take(3).map(|(_, other)| (*other).to_owned()).collect();
    if names.is_empty() { String::new() } else { format!(" (did you mean {}?)", names.join(" or ")) }
}

/// How many characters have to be added, removed or replaced.
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (n, a) in one.chars().enumerate() {
        let mut last = n;
        let mut left = n + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&other) {
            let replaced = last + usize::from(a != *b);
            last = *cell;
            left = replaced.min(left + 1).min(last + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = n + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_suggested() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(suggestion("lisen", ["listen", "log"].into_iter()), " (did you mean listen?)");
        assert_eq!(suggestion("zebra", ["listen", "log"].into_iter()), "");
    }
}

//! Who is to have how many partitions: as many as everybody else, or one more.

/// How many of the partitions a node is to have among all that live, by name; 0: it is not among them.
pub fn fair(partitions: usize, living: &[&str], own: &str) -> usize {
    let mut living: Vec<&str> = living.to_vec();
    living.sort_unstable();
    living.dedup();
    let Some(rank) = living.iter().position(|name| *name == own) else { return 0 };
    let (each, over) = (partitions / living.len(), partitions % living.len());
    each + usize::from(rank < over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_differ_by_one_at_most_and_are_all_there_is() {
        let names: Vec<String> = (0..70).map(|number| format!("n{number}")).collect();
        for count in 1..=names.len() {
            let living: Vec<&str> = names[..count].iter().map(String::as_str).collect();
            let shares: Vec<usize> = living.iter().map(|name| fair(64, &living, name)).collect();
            assert_eq!(shares.iter().sum::<usize>(), 64);
            let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(most - least <= 1, "{shares:?}");
        }
        assert_eq!(fair(64, &["a"], "b"), 0);
    }
}

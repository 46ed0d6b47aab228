//! How several texts share the rows of a card.

/// Rows for each of several texts that need `needs` rows and have `room` together: who needs few gets
/// them, the longest give way first. Each keeps one row as long as there is one.
pub(super) fn shared(needs: &[usize], room: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = needs.iter().map(|need| (*need).max(1)).collect();
    let mut over = rows.iter().sum::<usize>().saturating_sub(room);
    while over > 0 {
        let longest = rows.iter_mut().rev().max_by_key(|rows| **rows);
        let Some(longest) = longest.filter(|rows| **rows > 1) else {
            break;
        };
        *longest -= 1;
        over -= 1;
    }
    while over > 0 && rows.pop().is_some() {
        over -= 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[4, 2, 1], 7, &[4, 2, 1])]
    #[case(&[4, 2, 1], 6, &[3, 2, 1])]
    #[case(&[4, 2, 1], 5, &[2, 2, 1])]
    #[case(&[4, 2, 1], 3, &[1, 1, 1])]
    #[case(&[4, 2, 1], 2, &[1, 1])]
    #[case(&[4, 2, 1], 0, &[])]
    #[case(&[], 3, &[])]
    fn the_longest_give_way_first(
        #[case] needs: &[usize],
        #[case] room: usize,
        #[case] rows: &[usize],
    ) {
        assert_eq!(shared(needs, room), rows);
    }
}

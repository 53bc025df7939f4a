//! Things that have parents, in the order of a tree: pure.

use std::collections::{HashMap, HashSet};

/// A line of the tree: which thing, and the guides that lead to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) index: usize,
    pub(crate) guides: String,
}

/// Puts children below their parents, otherwise in the given order. Who has no known parent is a root; so is, once, a ring
/// of things that are each other's parents: everything is in the tree exactly once.
pub(crate) fn branches<'a>(things: &'a [(&'a str, Option<&'a str>)]) -> Vec<Branch> {
    let known: HashSet<&str> = things.iter().map(|(id, _)| *id).collect();
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (index, (id, parent)) in things.iter().enumerate() {
        match parent.filter(|parent| known.contains(parent) && parent != id) {
            Some(parent) => children.entry(parent).or_default().push(index),
            None => roots.push(index),
        }
    }
    let mut tree = Tree { things, children, seen: vec![false; things.len()], branches: Vec::new() };
    for root in roots.into_iter().chain(0..things.len()) {
        tree.grow(root);
    }
    tree.branches
}

struct Tree<'a> {
    things: &'a [(&'a str, Option<&'a str>)],
    children: HashMap<&'a str, Vec<usize>>,
    seen: Vec<bool>,
    branches: Vec<Branch>,
}

impl Tree<'_> {
    /// A stack instead of recursion: a run may nest deeper than a thread's stack.
    fn grow(&mut self, root: usize) {
        let mut pending = vec![(root, String::new(), String::new())];
        while let Some((index, guides, below)) = pending.pop() {
            if std::mem::replace(&mut self.seen[index], true) {
                continue;
            }
            self.branches.push(Branch { index, guides });
            let children = self.children.get(self.things[index].0).map_or(&[][..], Vec::as_slice);
            for (place, child) in children.iter().enumerate().rev() {
                let (guide, under) =
                    if place + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                pending.push((*child, format!("{below}{guide}"), format!("{below}{under}")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(things: &[(&str, Option<&str>)]) -> String {
        let lines = branches(things);
        lines.iter().map(|line| format!("{}{}\n", line.guides, things[line.index].0)).collect()
    }

    #[test]
    fn children_stand_below_their_parents() {
        let things = [
            ("a", None),
            ("b", None),
            ("a1", Some("a")),
            ("a2", Some("a")),
            ("a1x", Some("a1")),
            ("orphan", Some("lost")),
        ];

        insta::assert_snapshot!(drawn(&things), @r"
        a
        ├─ a1
        │  └─ a1x
        └─ a2
        b
        orphan
        ");
    }

    #[test]
    fn a_ring_of_parents_is_drawn_once() {
        insta::assert_snapshot!(drawn(&[("a", Some("b")), ("b", Some("a")), ("c", Some("c"))]), @r"
        c
        a
        └─ b
        ");
    }

    #[test]
    fn any_depth_is_drawn() {
        let ids: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
        let things: Vec<(&str, Option<&str>)> = ids
            .iter()
            .enumerate()
            .map(|(place, id)| (id.as_str(), place.checked_sub(1).map(|above| ids[above].as_str())))
            .collect();

        assert_eq!(branches(&things).len(), 2_000);
    }
}

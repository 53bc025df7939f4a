//! A queue in segments.

use std::collections::VecDeque;

/// Elements in a full segment.
const SEGMENT: usize = 64;

/// A queue whose elements are numbered and keep their numbers. It grows by a segment at a time and gives it back when it
/// is used up: a `VecDeque` would copy all elements into one twice as large, and keep that.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    /// Empty only if there is nothing behind it.
    front: VecDeque<T>,
    /// None of them is empty. Each segment but the last ends at a multiple of its size.
    behind: VecDeque<VecDeque<T>>,
    /// The number of the first element.
    first: u64,
    len: usize,
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        // Leaves room for what is put back at the front.
        Self { front: VecDeque::new(), behind: VecDeque::new(), first: 1 << 62, len: 0 }
    }
}

impl<T> Segments<T> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for so many elements, as far as they go into one segment, where there is none yet.
    #[inline]
    pub(crate) fn reserve(&mut self, elements: usize) {
        if self.is_empty() {
            self.front.reserve_exact(elements.min(SEGMENT));
        }
    }

    /// Adds an element and gives its number.
    #[inline]
    pub(crate) fn push_back(&mut self, element: T) -> u64 {
        let number = self.first + self.len as u64;
        if self.is_empty() {
            self.front.push_back(element);
        } else if number.is_multiple_of(SEGMENT as u64) {
            let mut segment = VecDeque::with_capacity(SEGMENT);
            segment.push_back(element);
            self.behind.push_back(segment);
        } else {
            self.behind.back_mut().unwrap_or(&mut self.front).push_back(element);
        }
        self.len += 1;
        number
    }

    /// Adds an element before all others.
    pub(crate) fn push_front(&mut self, element: T) {
        if !self.is_empty() && self.first.is_multiple_of(SEGMENT as u64) {
            self.behind.push_front(std::mem::take(&mut self.front));
        }
        self.front.push_front(element);
        self.first -= 1;
        self.len += 1;
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.front.front()
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let element = self.front.pop_front()?;
        self.first += 1;
        self.len -= 1;
        if self.front.is_empty() {
            self.front = self.behind.pop_front().unwrap_or_default();
        }
        if self.is_empty() {
            self.behind = VecDeque::new();
        }
        Some(element)
    }

    /// The element of that number, if it is still here.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let size = SEGMENT as u64;
        let segment = (number / size).checked_sub(self.first / size)?;
        let begin = self.first.max(number / size * size);
        let index = usize::try_from(number.checked_sub(begin)?).ok()?;
        match usize::try_from(segment).ok()?.checked_sub(1) {
            None => self.front.get_mut(index),
            Some(behind) => self.behind.get_mut(behind)?.get_mut(index),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.front.iter().chain(self.behind.iter().flatten())
    }

    /// Adds the elements of another queue, which get numbers of this one if it has elements of its own.
    pub(crate) fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        } else {
            self.extend(other);
        }
    }

    /// Takes all elements. Those that come later go on with the numbers.
    pub(crate) fn take(&mut self) -> Self {
        let next = Self { first: self.first + self.len as u64, ..Self::default() };
        std::mem::replace(self, next)
    }
}

impl<T> IntoIterator for Segments<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<
        std::collections::vec_deque::IntoIter<T>,
        std::iter::Flatten<std::collections::vec_deque::IntoIter<VecDeque<T>>>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.front.into_iter().chain(self.behind.into_iter().flatten())
    }
}

impl<T> Extend<T> for Segments<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        let elements = elements.into_iter();
        self.reserve(elements.size_hint().0);
        for element in elements {
            self.push_back(element);
        }
    }
}

impl<T> FromIterator<T> for Segments<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut segments = Self::default();
        segments.extend(elements);
        segments
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        PushBack,
        PushFront,
        PopFront,
        Take,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => Just(Step::PushBack),
            3 => Just(Step::PushFront),
            5 => Just(Step::PopFront),
            1 => Just(Step::Take),
        ];
        proptest::collection::vec(step, 0..600)
    }

    proptest! {
        #[test]
        fn it_is_a_queue_and_elements_keep_their_numbers(steps in steps()) {
            let mut queue = Segments::default();
            let mut model = VecDeque::new();
            for (element, step) in steps.into_iter().enumerate() {
                match step {
                    Step::PushBack => {
                        let number = queue.push_back(element);
                        model.push_back((Some(number), element));
                    }
                    Step::PushFront => {
                        queue.push_front(element);
                        model.push_front((None, element));
                    }
                    Step::PopFront => {
                        let popped = model.pop_front();
                        prop_assert_eq!(queue.pop_front(), popped.map(|(_, element)| element));
                        if let Some((Some(number), _)) = popped {
                            prop_assert_eq!(queue.get_mut(number), None);
                        }
                    }
                    Step::Take => {
                        let taken: Vec<_> = queue.take().into_iter().collect();
                        let expected: Vec<_> = model.drain(..).map(|(_, element)| element).collect();
                        prop_assert_eq!(taken, expected);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.front(), model.front().map(|(_, element)| element));
                prop_assert!(queue.iter().eq(model.iter().map(|(_, element)| element)));
                for (number, element) in &model {
                    if let Some(number) = number {
                        prop_assert_eq!(queue.get_mut(*number).copied(), Some(*element));
                    }
                }
            }
        }
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let mut queue: Segments<u64> = (0..1_000).collect();

        while queue.pop_front().is_some() {}

        assert_eq!(queue.front.capacity() + queue.behind.capacity(), 0);
    }
}

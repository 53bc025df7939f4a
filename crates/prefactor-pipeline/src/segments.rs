//! A queue in segments.

use std::collections::VecDeque;

/// Elements in a full segment.
const SEGMENT: usize = 64;

/// A queue whose elements are numbered and keep their numbers. It grows by a segment at a time and gives it back when it
/// is used up: a `VecDeque` would copy all elements into one twice as large, and keep that.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    /// None of them is empty. Each but the first and the last is full: it ends at a multiple of its size.
    segments: VecDeque<VecDeque<T>>,
    /// The number of the first element.
    first: u64,
    len: usize,
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        // Leaves room for what is put back at the front.
        Self { segments: VecDeque::new(), first: 1 << 62, len: 0 }
    }
}

impl<T> Segments<T> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an element and gives its number. An empty queue makes room for as many as are expected to come with it.
    #[inline]
    pub(crate) fn push_back(&mut self, element: T, expected: usize) -> u64 {
        let number = self.first + self.len as u64;
        match self.segments.back_mut() {
            Some(segment) if !number.is_multiple_of(SEGMENT as u64) => segment.push_back(element),
            _ => {
                let room = if self.is_empty() { expected.clamp(1, SEGMENT) } else { SEGMENT };
                let mut segment = VecDeque::with_capacity(room);
                segment.push_back(element);
                self.segments.push_back(segment);
            }
        }
        self.len += 1;
        number
    }

    /// Adds an element before all others.
    pub(crate) fn push_front(&mut self, element: T) {
        let begins_segment = self.first.is_multiple_of(SEGMENT as u64);
        self.first -= 1;
        self.len += 1;
        match self.segments.front_mut() {
            Some(segment) if !begins_segment => segment.push_front(element),
            _ => self.segments.push_front(VecDeque::from([element])),
        }
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.segments.front()?.front()
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let segment = self.segments.front_mut()?;
        let element = segment.pop_front();
        if segment.is_empty() {
            self.segments.pop_front();
        }
        self.first += 1;
        self.len -= 1;
        if self.is_empty() {
            self.segments = VecDeque::new();
        }
        element
    }

    /// The element of that number, if it is still here.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let size = SEGMENT as u64;
        let segment = (number / size).checked_sub(self.first / size)?;
        let begin = self.first.max(number / size * size);
        let index = number.checked_sub(begin)?;
        self.segments.get_mut(usize::try_from(segment).ok()?)?.get_mut(usize::try_from(index).ok()?)
    }

    /// Takes all elements. Those that come later go on with the numbers.
    pub(crate) fn take(&mut self) -> Self {
        let next = Self { first: self.first + self.len as u64, ..Self::default() };
        std::mem::replace(self, next)
    }
}

impl<T> IntoIterator for Segments<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::collections::vec_deque::IntoIter<VecDeque<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.segments.into_iter().flatten()
    }
}

impl<T> FromIterator<T> for Segments<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let elements = elements.into_iter();
        let expected = elements.size_hint().0;
        let mut segments = Self::default();
        for element in elements {
            segments.push_back(element, expected);
        }
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
                        let number = queue.push_back(element, 3);
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

        assert_eq!(queue.segments.capacity(), 0);
    }
}

//! How requests are declared: each field once, with its documentation.

/// Declares a request: a struct that serializes without its absent fields, a `new` that takes the required fields, and a
/// consuming setter of the same name for each optional one.
macro_rules! request {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            required { $( $(#[doc = $required_doc:expr])* $required:ident: $required_type:ty, )* }
            optional { $(
                $(#[doc = $optional_doc:expr])* $(#[serde($($serde:tt)*)])?
                $optional:ident: $optional_type:ty,
            )* }
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[doc = $required_doc])* pub $required: $required_type, )*
            $(
                $(#[doc = $optional_doc])*
                #[serde(default, skip_serializing_if = "Option::is_none" $(, $($serde)*)?)]
                pub $optional: Option<$optional_type>,
            )*
        }

        impl $name {
            /// With the required fields only.
            #[must_use]
            pub fn new($( $required: impl Into<$required_type> ),*) -> Self {
                Self { $( $required: $required.into(), )* $( $optional: None, )* }
            }

            $(
                $(#[doc = $optional_doc])*
                #[must_use]
                pub fn $optional(mut self, $optional: impl Into<$optional_type>) -> Self {
                    self.$optional = Some($optional.into());
                    self
                }
            )*
        }
    };
}

pub(crate) use request;

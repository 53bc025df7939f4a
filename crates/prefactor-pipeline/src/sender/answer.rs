//! Reads the answer to a bulk request: what is said of each item, and nothing else. `details` are stepped over, but for the
//! id in them.

mod reader;

use prefactor_pfid::Pfid;

use super::outcome::Signal;
use reader::Reader;
pub(crate) use reader::Text;

/// An answer that was understood: one output per item that was processed.
#[derive(Debug)]
pub(crate) struct BulkAnswer<'a> {
    pub(crate) outputs: Vec<(Text<'a>, Output<'a>)>,
    pub(crate) control: Option<Control<'a>>,
}

/// An order to a run, not read yet: few answers have one, and an odd one must not make the answer unreadable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control<'a>(&'a [u8]);

impl Control<'_> {
    /// The signal in it, if it orders to stop.
    pub(crate) fn signal(self, item: Option<usize>) -> Option<Signal> {
        let control: prefactor_http::Control = serde_json::from_slice(self.0).ok()?;
        control.terminate.then_some(Signal { item, reason: control.reason })
    }
}

/// What the API says of one item. What it means by a single member must never make the whole answer unreadable: one that has
/// another type than expected counts as absent.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub(crate) is_success: bool,
    /// The error code.
    pub(crate) code: Option<Text<'a>>,
    /// The id of the thing that was made or changed.
    pub(crate) id: Option<Pfid>,
    pub(crate) control: Option<Control<'a>>,
}

/// Reads the answer to so many items. `None` where it is not the answer to such a request: an HTML page, JSON of another shape, or
/// far more outputs than there were items.
pub(crate) fn parse(body: &[u8], items: usize) -> Option<BulkAnswer<'_>> {
    let mut json = Reader::new(std::str::from_utf8(body).ok()?);
    let (mut outputs, mut control) = (None, None);
    let mut member = json.first_member()?;
    while let Some(name) = member {
        if name.is(b"outputs") {
            set_once(&mut outputs, read_outputs(&mut json, items)?)?;
        } else if name.is(b"control") {
            set_once(&mut control, Control(json.value()?))?;
        } else {
            json.value()?;
        }
        member = json.next_member()?;
    }
    json.end()?;
    Some(BulkAnswer { outputs: outputs?, control })
}

#[inline(always)]
fn read_outputs<'a>(json: &mut Reader<'a>, items: usize) -> Option<Vec<(Text<'a>, Output<'a>)>> {
    let most = 2 * items + 16;
    let mut outputs = Vec::with_capacity(items);
    let mut member = json.first_member()?;
    while let Some(key) = member {
        if outputs.len() == most {
            return None;
        }
        outputs.push((key, read_output(json)?));
        member = json.next_member()?;
    }
    Some(outputs)
}

#[inline(always)]
fn read_output<'a>(json: &mut Reader<'a>) -> Option<Output<'a>> {
    let (mut status, mut code, mut id, mut control) = (None, None, None, None);
    let mut member = json.first_member()?;
    while let Some(name) = member {
        if name.is(b"status") {
            set_once(&mut status, json.string_or_other()?)?;
        } else if name.is(b"details") {
            set_once(&mut id, read_id(json)?)?;
        } else if name.is(b"code") {
            set_once(&mut code, json.string_or_other()?)?;
        } else if name.is(b"control") {
            set_once(&mut control, Control(json.value()?))?;
        } else {
            json.value()?;
        }
        member = json.next_member()?;
    }
    let is_success = status.flatten().is_some_and(|status| status.is(b"success"));
    Some(Output { is_success, code: code.flatten(), id: id.flatten(), control })
}

/// The id in the details, if they have one.
#[inline(always)]
fn read_id(json: &mut Reader<'_>) -> Option<Option<Pfid>> {
    if json.peek()? != b'{' {
        json.value()?;
        return Some(None);
    }
    let mut member = json.first_member()?;
    while let Some(name) = member {
        if name.is(b"id") {
            let id = json.string_or_other()?;
            json.skip_rest_of_object()?;
            return Some(id.and_then(|id| id.read()?.parse().ok()));
        }
        json.value()?;
        member = json.next_member()?;
    }
    Some(None)
}

/// What says two things of the same says nothing that could be believed.
#[inline(always)]
fn set_once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_without_their_details() {
        let body = br#"{"status":"success","later":[1],"outputs":{
            "k1":{"status":"success","details":{"type":"agent_span","id":"013xrzp12g3nqk8n04hmasw9nf6yy093","payload":{"deep":[[]]}},"control":{"terminate":false}},
            "k\u0032":{"status":"error","code":"validation_errors","message":"no","errors":{"a":["b"]}},
            "k3":{"status":"success","summaries":[]},
            "k4":{"status":"success","details":null},
            "k5":{"status":"success","details":["odd"]},
            "k6":{"status":"error","code":422},
            "k7":{"status":{"odd":true},"code":null,"details":{"id":7}}}}"#;

        let answer = parse(body, 1).expect("a bulk answer");

        let read: Vec<_> = answer
            .outputs
            .iter()
            .map(|(key, output)| {
                let code = output.code.and_then(Text::read).unwrap_or_default().into_owned();
                (key.read().expect("a key").into_owned(), output.is_success, code, output.id.is_some())
            })
            .collect();
        assert_eq!(
            read,
            [
                ("k1".to_owned(), true, "".to_owned(), true),
                ("k2".to_owned(), false, "validation_errors".to_owned(), false),
                ("k3".to_owned(), true, "".to_owned(), false),
                ("k4".to_owned(), true, "".to_owned(), false),
                ("k5".to_owned(), true, "".to_owned(), false),
                ("k6".to_owned(), false, "".to_owned(), false),
                ("k7".to_owned(), false, "".to_owned(), false)
            ]
        );
    }

    #[test]
    fn the_id_is_found_whatever_stands_around_it() {
        let id = "013xrzp12g3nqk8n04hmasw9nf6yy093";
        let id_of = |details: &str| {
            let body = format!(r#"{{"outputs":{{"k":{{"status":"success","details":{details}}}}}}}"#);
            parse(body.as_bytes(), 1).expect("a bulk answer").outputs[0].1.id
        };
        for before in [
            "",
            r#""a":"id","#,
            r#""a\"id":"\\","b":1.5e3,"c":true , "#,
            r#""payload" : {"id":"no","deep":[["]}\""],{"id":[1,2]}, null ,-3]} ,"#,
            "\n\t\"a\" :\r [ ] , \"b\": { }, ",
        ] {
            let details = format!("{{{before}\"id\" : \"{id}\",\"after\":[\"id\"]}}");
            assert_eq!(id_of(&details), Some(id.parse().expect("an id")), "{details}");
        }
        for none in ["{}", "[]", "7", r#""id""#, r#"{"id":7}"#, r#"{"a":{"id":"x"}}"#, r#"{"a":[],"b":"id"}"#]
        {
            assert_eq!(id_of(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_bulk_answer_is_not_understood() {
        let deep = "[".repeat(100_000);
        let crowd = format!(r#"{{"outputs":{{{}"k":{{}}}}}}"#, r#""k":{},"#.repeat(18));
        let bodies: [&[u8]; 12] = [
            b"<html><body>502 Bad Gateway</body></html>",
            b"",
            b"null",
            b"[]",
            br#"{"status":"success"}"#,
            br#"{"status":"success","outputs":{"k":{"sta"#,
            deep.as_bytes(),
            crowd.as_bytes(),
            br#"{"outputs":{},"outputs":{}}"#,
            br#"{"outputs":{"k":{"status":"error","status":"success"}}}"#,
            br#"{"outputs":{"k":{"details":{},"details":{}}}}"#,
            b"{\"outputs\":{\"k\":{\"status\":\"success\",\"details\":{\"id\":\"\",\"name\":\"\xff\"}}}}",
        ];

        for body in bodies {
            assert!(parse(body, 1).is_none(), "{}", String::from_utf8_lossy(&body[..body.len().min(40)]));
        }
    }
}

//! Reads the answer to a bulk request: what is said of each item, and nothing else. `details` are stepped over, but for the
//! id in them.

mod block;
mod reader;
mod skip;

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
/// far more outputs than there were items. Neither is one that is no text, or cut short.
pub(crate) fn parse(body: &[u8], items: usize) -> Option<BulkAnswer<'_>> {
    // Nearly all bodies are ASCII, which is told sooner.
    if !body.is_ascii() {
        std::str::from_utf8(body).ok()?;
    }
    let mut json = Reader::new(body);
    let (mut outputs, mut control) = (None, None);
    let mut has_more = json.enter_object()?;
    while has_more {
        match json.known_name(&[(b"outputs", Part::Outputs), (b"control", Part::Control)])? {
            Some(Part::Outputs) => set_once(&mut outputs, read_outputs(&mut json, items)?)?,
            Some(Part::Control) => set_once(&mut control, Control(json.value()?))?,
            None => drop(json.value()?),
        }
        has_more = json.has_next_member()?;
    }
    json.end()?;
    Some(BulkAnswer { outputs: outputs?, control })
}

#[derive(Clone, Copy)]
enum Part {
    Outputs,
    Control,
}

#[inline(always)]
fn read_outputs<'a>(json: &mut Reader<'a>, items: usize) -> Option<Vec<(Text<'a>, Output<'a>)>> {
    let most = 2 * items + 16;
    let mut outputs = Vec::with_capacity(items);
    let mut has_more = json.enter_object()?;
    while has_more {
        if outputs.len() == most {
            return None;
        }
        outputs.push((json.name()?, read_output(json)?));
        has_more = json.has_next_member()?;
    }
    Some(outputs)
}

#[derive(Clone, Copy)]
enum Member {
    Status,
    Details,
    Code,
    Control,
}

#[inline(always)]
fn read_output<'a>(json: &mut Reader<'a>) -> Option<Output<'a>> {
    const MEMBERS: [(&[u8], Member); 4] = [
        (b"status", Member::Status),
        (b"details", Member::Details),
        (b"code", Member::Code),
        (b"control", Member::Control),
    ];
    let (mut is_success, mut code, mut id, mut control) = (None, None, None, None);
    let mut has_more = json.enter_object()?;
    while has_more {
        match json.known_name(&MEMBERS)? {
            Some(Member::Status) => set_once(&mut is_success, json.is_string(b"success")?)?,
            Some(Member::Details) => set_once(&mut id, read_id(json)?)?,
            Some(Member::Code) => set_once(&mut code, json.string_or_other()?)?,
            Some(Member::Control) => set_once(&mut control, Control(json.value()?))?,
            None => drop(json.value()?),
        }
        has_more = json.has_next_member()?;
    }
    let is_success = is_success.unwrap_or_default();
    Some(Output { is_success, code: code.flatten(), id: id.flatten(), control })
}

/// The id in the details, if they have one.
#[inline(always)]
fn read_id(json: &mut Reader<'_>) -> Option<Option<Pfid>> {
    if json.peek()? != b'{' {
        json.value()?;
        return Some(None);
    }
    let mut has_more = json.enter_object()?;
    while has_more {
        if json.known_name(&[(b"id", ())])?.is_some() {
            let id = match json.string_of(|id: &[u8; Pfid::CHARACTERS]| Pfid::from_ascii(id).ok()) {
                None => json.string_or_other()?.and_then(|id| id.read()?.parse().ok()),
                found => found,
            };
            json.skip_rest_of_object()?;
            return Some(id);
        }
        json.value()?;
        has_more = json.has_next_member()?;
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
    fn an_id_is_read_however_it_is_written_and_what_is_none_is_absent() {
        let id = "013xrzp12g3nqk8n04hmasw9nf6yy093";
        let id_of = |written: &str| {
            let body =
                format!(r#"{{"outputs":{{"k":{{"details":{{"id":{written},"a":1}},"status":"success"}}}}}}"#);
            let outputs = parse(body.as_bytes(), 1).expect("a bulk answer").outputs;
            assert!(outputs[0].1.is_success, "{written}");
            outputs[0].1.id
        };

        for written in [format!("\"{id}\""), format!(" \"{id}\" "), format!("\"\\u0030{}\"", &id[1..])] {
            assert_eq!(id_of(&written), Some(id.parse().expect("an id")), "{written}");
        }
        let nones = [&id[1..], &format!("{id}0"), &id.replace('x', "u"), &id.replace('x', "ü"), ""];
        for none in nones {
            assert_eq!(id_of(&format!("\"{none}\"")), None, "{none}");
        }
        // A quote that is escaped, in the place of the last one.
        assert_eq!(id_of(&format!(r#""{}\"","b":"""#, &id[1..])), None);
    }

    #[test]
    fn an_answer_that_is_cut_anywhere_is_not_understood() {
        let output = r#""k":{"status":"success","details":{"id":"no","payload":{"text":"[\"}\\","deep":[[{}]]}},"n":-1}"#;
        for shift in 0..64 {
            let spaces = " ".repeat(shift);
            let body = format!(r#"{{"status":"success","outputs":{{{spaces}{output},{output}}}}}"#);
            assert_eq!(parse(body.as_bytes(), 2).expect("a bulk answer").outputs.len(), 2, "{body}");
            for cut in 0..body.len() {
                assert!(parse(&body.as_bytes()[..cut], 2).is_none(), "{body} cut to {cut} bytes");
            }
        }
    }

    #[test]
    fn what_is_no_bulk_answer_is_not_understood() {
        let deep = "[".repeat(100_000);
        let crowd = format!(r#"{{"outputs":{{{}"k":{{}}}}}}"#, r#""k":{},"#.repeat(18));
        let bodies: [&[u8]; 14] = [
            b"<html><body>502 Bad Gateway</body></html>",
            b"",
            b"null",
            b"[]",
            br#"{"status":"success"}"#,
            br#"{"status":"success","outputs":{"k":{"sta"#,
            deep.as_bytes(),
            crowd.as_bytes(),
            br#"{"outputs":{"k":{}}}}"#,
            br#"{"outputs":{"k":{"status":,"code":"c"}}}"#,
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

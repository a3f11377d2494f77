//! The document against the routes, and what is really answered against the document.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Method;
use demo_app::http::endpoints;
use serde_json::{Value, json};

use crate::api::{Api, Reply, request};

async fn document(api: &Api) -> Value {
    api.get("/openapi.json").await.ok(200)
}

#[tokio::test]
async fn the_document_and_the_routes_are_the_same() {
    let api = Api::seeded().await;
    let document = document(&api).await;
    let described: BTreeMap<String, BTreeSet<String>> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
            (path.clone(), methods.collect())
        })
        .collect();
    let listed = endpoints()
        .iter()
        .map(|endpoint| (endpoint.path.clone(), endpoint.methods.iter().cloned().collect::<BTreeSet<_>>()));
    // That these are served with these methods and no others, a test in `bad_input` sees to.
    assert_eq!(described, listed.collect());

    let mut routed = BTreeSet::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        routed.extend(text.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    // Those that the runtime serves.
    let monitor = ["/health", "/health/live", "/health/ready", "/api/performance", "/metrics", "/dashboard"];
    routed.extend(monitor.map(str::to_owned));
    assert_eq!(routed, described.into_keys().collect());
}

/// Holds a value against a schema: every word of it that the document uses, and no property that is not described.
struct Judge<'a> {
    document: &'a Value,
}

impl<'a> Judge<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(name) => {
                self.resolve(self.document.pointer(name.trim_start_matches('#')).expect("a schema that is there"))
            }
            None => schema,
        }
    }

    fn fault(&self, schema: &'a Value, value: &Value) -> Option<String> {
        let schema = self.resolve(schema);
        if let Some(shapes) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let faults: Vec<_> = shapes.iter().filter_map(|shape| self.fault(shape, value)).collect();
            return (faults.len() == shapes.len()).then(|| faults.join(" or "));
        }
        Self::kind(schema, value).or_else(|| match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(at, item)| self.fault(&schema["items"], item).map(|fault| format!("[{at}]{fault}"))),
            Value::Object(_) => self.object(schema, value),
            Value::String(text) => {
                let bad = schema["format"] == "date-time" && text.parse::<jiff::Timestamp>().is_err();
                bad.then(|| format!(": `{text}` is no moment"))
            }
            _ => None,
        })
    }

    fn kind(schema: &Value, value: &Value) -> Option<String> {
        let is = |kind: &Value| match kind.as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_u64() || value.is_i64(),
            Some("number") => value.is_number(),
            Some("null") => value.is_null(),
            _ => false,
        };
        let right = match &schema["type"] {
            Value::Null => true,
            Value::Array(kinds) => kinds.iter().any(is),
            kind => is(kind),
        };
        let listed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
        let least = schema["minimum"].as_f64().is_none_or(|least| value.as_f64().is_none_or(|value| value >= least));
        (!right || !listed || !least).then(|| format!(": {value} is not {schema}"))
    }

    fn object(&self, schema: &'a Value, value: &Value) -> Option<String> {
        let parts: Vec<&Value> = match schema["allOf"].as_array() {
            Some(parts) => parts.iter().map(|part| self.resolve(part)).collect(),
            None => vec![schema],
        };
        let free = parts.iter().all(|part| part["properties"].is_null() && part["additionalProperties"].is_null());
        let required = parts.iter().filter_map(|part| part["required"].as_array()).flatten();
        let missing = required.filter_map(Value::as_str).find(|name| value.get(name).is_none());
        if let Some(name) = missing {
            return Some(format!(".{name} is missing"));
        }
        value.as_object()?.iter().find_map(|(name, inner)| {
            let described =
                parts.iter().find_map(|part| part["properties"].get(name).or_else(|| part.get("additionalProperties")));
            match described {
                Some(schema) => self.fault(schema, inner).map(|fault| format!(".{name}{fault}")),
                None => (!free).then(|| format!(".{name} is not described")),
            }
        })
    }

    /// The answer must be one of those that the operation lists.
    #[track_caller]
    fn judge(&self, method: &str, template: &str, reply: &Reply) {
        let status = reply.status.as_u16().to_string();
        let operation = &self.document["paths"][template][method];
        let described = self.resolve(&operation["responses"][&status]);
        assert!(described.is_object(), "{method} {template} is not said to answer {status}: {}", reply.body);
        let Some(content) = described["content"].as_object() else {
            assert!(reply.body.is_null(), "{method} {template} is said to have no body");
            return;
        };
        let media = reply.header("content-type").unwrap();
        let schema = content.get(media).unwrap_or_else(|| panic!("{method} {template} is not said to be {media}"));
        if let Some(fault) = self.fault(&schema["schema"], &reply.body) {
            panic!("{method} {template} {status}: body{fault}");
        }
    }
}

/// An id that is there, one that is not, and one that is none.
const PATHS: [(&str, &str, &str); 3] =
    [("1", "spring-2025", "supplier"), ("9999", "none", "none"), ("x", "a%20b", "%FF")];

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let api = Api::seeded().await;
    let document = document(&api).await;
    let judge = Judge { document: &document };
    let mut judged = 0;
    // Deletions last, so that there is something to read and write.
    for method in ["get", "post", "put", "delete"] {
        for (template, item) in document["paths"].as_object().unwrap() {
            let Some(operation) = item.get(method) else { continue };
            for (id, proposal, name) in PATHS {
                let path = template.replace("{id}", id).replace("{proposal}", proposal).replace("{name}", name);
                let path =
                    path.replace("{vote}", if id == "1" { "2:spring-2025:grace.hopper@example.com" } else { name });
                for reply in ask(&api, method, &path, operation).await {
                    judge.judge(method, template, &reply);
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 300, "{judged} answers");
}

/// Asks as the document has it, and in ways that must be refused.
async fn ask(api: &Api, method: &str, path: &str, operation: &Value) -> Vec<Reply> {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let Some(body) = operation.pointer("/requestBody/content/application~1json") else {
        let queries = [
            "",
            "?page=2&limit=3",
            "?ids=1,9999",
            "?q=tea",
            "?lng=-8.6&lat=41.1&within_km=9",
            "?sort=-id",
            "?page=0",
            "?q=%FF",
        ];
        let mut replies = Vec::new();
        for query in if method == Method::GET { &queries[..] } else { &queries[..1] } {
            replies.push(api.send(request(method.clone(), &format!("{path}{query}")).body(Body::empty())).await);
        }
        return replies;
    };
    let mut replies = Vec::new();
    for body in [
        body["example"].to_string(),
        body["example"].to_string(),
        "{}".to_owned(),
        "[".to_owned(),
        " ".repeat(crate::api::max_body() + 1),
    ] {
        replies.push(api.json(method.clone(), path, body).await);
    }
    replies.push(api.send(request(method, path).body(Body::from("{}"))).await);
    replies
}

#[tokio::test]
async fn the_judge_sees_what_is_wrong() {
    let document = json!({ "components": { "schemas": { "User": {
        "type": "object",
        "required": ["id"],
        "properties": { "id": { "type": "integer", "minimum": 0 }, "at": { "type": ["string", "null"], "format": "date-time" } },
    } } } });
    let judge = Judge { document: &document };
    let schema = json!({ "type": "array", "items": { "$ref": "#/components/schemas/User" } });
    assert_eq!(
        judge.fault(&schema, &json!([{ "id": 1, "at": null }, { "id": 2, "at": "2030-01-01T00:00:00Z" }])),
        None
    );
    for bad in [
        json!({}),
        json!([{}]),
        json!([{ "id": "1" }]),
        json!([{ "id": -1 }]),
        json!([{ "id": 1, "x": 1 }]),
        json!([{ "id": 1, "at": "soon" }]),
    ] {
        assert!(judge.fault(&schema, &bad).is_some(), "{bad}");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_body_has_an_example() {
    let api = Api::seeded().await;
    let document = document(&api).await;
    let text = document.to_string();
    for name in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(name).is_some(), "{name}");
    }
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let body = operation.pointer("/requestBody/content/application~1json");
            assert!(body.is_none_or(|body| body["example"].is_object()), "{operation}");
            assert!(operation["summary"].is_string());
        }
    }
}

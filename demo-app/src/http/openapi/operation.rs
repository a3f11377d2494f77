//! One operation, put together from what most of them share.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{
    Content, ContentBuilder, Header, HttpMethod, ObjectBuilder, Ref, RefOr, Required, ResponseBuilder, Schema, Type,
};

use crate::domain::PageRequest;
use crate::http::lists::{Kind, Listed};
use crate::http::problem;

/// An operation and the schemas that it names.
pub(super) struct Operation {
    pub(super) method: HttpMethod,
    pub(super) path: &'static str,
    pub(super) built: OperationBuilder,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Operation {
    /// `method` on `path`, whose parts in braces become parameters: `{id}` a number, any other text.
    pub(super) fn new(method: HttpMethod, path: &'static str, about: &str) -> Self {
        let tag = path.trim_start_matches("/api").split('/').nth(1).unwrap_or_default();
        let mut built = OperationBuilder::new().summary(Some(about)).tag(if tag.is_empty() { "index" } else { tag });
        for name in path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
            let schema = if name == "id" { integer(1, None) } else { kind(Type::String) };
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            built = built.parameter(parameter.required(Required::True).schema(Some(schema)));
        }
        let operation = Self { method, path, built, schemas: Vec::new() };
        operation.error(500, "The server failed on this request.").error(504, "The server took too long.")
    }

    /// Notes the schema of `T`, and how to name it.
    pub(super) fn knows<T: ToSchema>(&mut self) -> Ref {
        T::schemas(&mut self.schemas);
        self.schemas.push((name_of::<T>(), T::schema()));
        Ref::from_schema_name(name_of::<T>())
    }

    /// A success, with a body.
    pub(super) fn answers<T: ToSchema>(self, status: u16, about: &str) -> Self {
        self.response::<T>(status, about, "application/json", None)
    }

    /// An answer whose type is foreign, by the name of its schema in `foreign.json`.
    pub(super) fn answers_named(self, status: u16, name: &str, about: &str) -> Self {
        self.described(status, about, "application/json", named(name))
    }

    /// The same, with a list of them.
    pub(super) fn answers_all_named(self, name: &str, about: &str) -> Self {
        let list = utoipa::openapi::ArrayBuilder::new().items(Ref::from_schema_name(name)).build();
        self.described(200, about, "application/json", ContentBuilder::new().schema(Some(list)).build())
    }

    /// Text that is no JSON.
    pub(super) fn shows(self, media: &str, about: &str) -> Self {
        self.described(200, about, media, named("Text"))
    }

    /// The same, with a list of them.
    pub(super) fn answers_all<T: ToSchema>(mut self, about: &str) -> Self {
        let item = self.knows::<T>();
        let list = utoipa::openapi::ArrayBuilder::new().items(item);
        let content = ContentBuilder::new().schema(Some(list)).build();
        self.built =
            self.built.response("200", ResponseBuilder::new().description(about).content("application/json", content));
        self
    }

    /// The same, with one shape of several.
    pub(super) fn answers_either(mut self, shapes: OneOfBuilder, about: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(shapes)).build();
        self.built =
            self.built.response("200", ResponseBuilder::new().description(about).content("application/json", content));
        self
    }

    /// A success, without one.
    pub(super) fn answers_nothing(mut self, about: &str) -> Self {
        self.built = self.built.response("204", ResponseBuilder::new().description(about));
        self
    }

    /// A failure, as a problem document.
    pub(super) fn error(self, status: u16, about: &str) -> Self {
        let title = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let example = json!({ "type": "about:blank", "title": title, "status": status, "detail": about });
        self.response::<problem::Document<'_>>(status, about, "application/problem+json", Some(example))
    }

    fn response<T: ToSchema>(mut self, status: u16, about: &str, media: &str, example: Option<Value>) -> Self {
        let schema = self.knows::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).example(example).build();
        self.described(status, about, media, content)
    }

    fn described(mut self, status: u16, about: &str, media: &str, content: Content) -> Self {
        let mut response = ResponseBuilder::new().description(about).content(media, content);
        if status == 201 {
            response = response.header("location", Header::new(kind(Type::String)));
        }
        if status == 429 {
            response = response.header("retry-after", Header::new(integer(0, None)));
        }
        self.built = self.built.response(status.to_string(), response);
        self
    }

    /// The database is asked.
    pub(super) fn stored(self) -> Self {
        self.error(503, "The database does not answer, or too many ask. Try again in a moment.")
    }

    /// Adds the 404 of an operation that names a document.
    pub(super) fn named(self, what: &str) -> Self {
        self.error(404, &format!("There is no such {what}.")).refuses()
    }

    /// The address can be wrong.
    pub(super) fn refuses(self) -> Self {
        self.error(400, "The address or the query string cannot be accepted; `errors` names the parameters at fault.")
    }

    /// A body is read.
    pub(super) fn body<T: ToSchema>(mut self, example: Value) -> Self {
        let schema = self.knows::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
        self.built = self.built.request_body(Some(body.build()));
        self.error(400, "The body is not JSON, or the address cannot be accepted.")
            .error(408, "The body did not come in time.")
            .error(413, "The body is too large.")
            .error(415, "The body is not announced as JSON.")
            .error(422, "The body has fields that cannot be accepted; `errors` lists each of them.")
    }

    /// A change that may depend on the state that a client saw.
    pub(super) fn depends(mut self) -> Self {
        let about = "The `ETag` of the state that the change is for, or `*`.";
        let header = ParameterBuilder::new().name("if-match").parameter_in(ParameterIn::Header);
        let header = header.required(Required::False).schema(Some(kind(Type::String))).description(Some(about));
        self.built = self.built.parameter(header);
        self.error(412, "The document is in another state than `if-match` says.")
    }

    fn parameter(mut self, name: &str, required: Required, schema: impl Into<RefOr<Schema>>, about: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(required);
        let parameter: Parameter = parameter.schema(Some(schema)).description(Some(about)).build();
        self.built = self.built.parameter(parameter);
        self
    }

    /// A text that may be given.
    pub(super) fn text(self, name: &str, about: &str) -> Self {
        self.parameter(name, Required::False, kind(Type::String), about)
    }

    /// A text that must be.
    pub(super) fn must(self, name: &str, about: &str) -> Self {
        self.parameter(name, Required::True, kind(Type::String), about)
    }

    /// A number that must be given.
    pub(super) fn decimal(self, name: &str, most: f64, least: f64, about: &str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(least)).maximum(Some(most)).build();
        self.parameter(name, Required::True, schema, about)
    }

    pub(super) fn limit(self) -> Self {
        let most = u64::from(PageRequest::MAX_LIMIT);
        self.parameter("limit", Required::False, integer(1, Some(most)), "Items per page; 20 unless said otherwise.")
    }

    /// `page` and `limit`.
    pub(super) fn paged(self) -> Self {
        let about = format!("The first is 1. Pages show the first {} items.", PageRequest::MAX_REACH);
        self.parameter("page", Required::False, integer(1, Some(u64::from(u32::MAX))), &about).limit()
    }

    pub(super) fn sorted(self) -> Self {
        self.text("sort", "Fields in the order of an index, `-` for the largest first: `-createdAt`.")
    }

    /// Adds the parameters that every list of `M` accepts.
    pub(super) fn listed<M: Listed>(self) -> Self {
        let listed = self.paged().sorted().refuses().stored();
        M::FILTERS.iter().fold(listed, |operation, filter| {
            let schema = match filter.kind {
                Kind::Flag => kind(Type::Boolean),
                Kind::Number => integer(0, None),
                Kind::Choice(names) => ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(names.iter().copied()))
                    .build()
                    .into(),
                Kind::Text | Kind::Lower | Kind::Moment => kind(Type::String),
            };
            operation.parameter(filter.name, Required::False, schema, "Only those with this value; as an index allows.")
        })
    }

    pub(super) fn ids(self) -> Self {
        self.text("ids", "Instead of a page: up to 100 ids with commas between.")
    }
}

/// `User`, or `Page_User`: by itself a generic type has one name, whatever it is of.
fn name_of<T: ToSchema>() -> String {
    let inner = std::any::type_name::<T>().split_once('<').map(|(_, inner)| inner.trim_end_matches('>'));
    match inner.filter(|inner| !inner.starts_with('\'')).and_then(|inner| inner.rsplit("::").next()) {
        Some(inner) => format!("{}_{inner}", T::name()),
        None => T::name().into_owned(),
    }
}

/// Content by the name of its schema.
fn named(schema: &str) -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build()
}

fn kind(kind: Type) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(kind).build().into()
}

fn integer(least: u64, most: Option<u64>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(most).build().into()
}

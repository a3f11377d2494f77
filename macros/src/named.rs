//! Named expressions: `with(user = claims.sub())` lets a key, a tag or a pattern have `{user}`.
//!
//! Invariants: a named expression that is used counts as the parameters that it mentions, so none of them is forgotten in a key; its
//! names differ from those of the parameters.
//!
//! May use: diag, key, options, signature, subject.

use syn::{
    Expr, ExprAwait, ExprReturn, ExprTry, Ident,
    ext::IdentExt,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::{
    diag::Diag,
    key::Key,
    options::{Options, Value},
    signature::{Named, Params},
    subject::Subject,
};

/// Reads the named expressions into the parameters of `subject`.
pub(crate) fn read(options: &Options, subject: &mut Subject, diag: &mut Diag) {
    let Some(Value::Labels(given)) = options.value("with") else { return };
    for (name, expr) in given {
        let params = &subject.params;
        let text = name.unraw().to_string();
        if params.find(&text).is_some() {
            diag.at(name, format_args!("there is a parameter `{text}` already: give the expression another name"));
        } else if params.find_named(&text).is_some() {
            diag.at(name, format_args!("`{text}` is given twice: keep one"));
        } else {
            stays_here(name, expr, diag);
            subject.params.named.push(Named { ident: name.clone(), expr: expr.clone() });
        }
    }
}

/// Reports named expressions that no key, tag or pattern has.
pub(crate) fn unused(params: &Params, keys: &[&Key], diag: &mut Diag) {
    for (index, named) in params.named.iter().enumerate() {
        if !keys.iter().any(|key| key.names_expression(index)) {
            let name = named.ident.unraw();
            diag.at(
                &named.ident,
                format_args!("`{name}` is in no key and no tag: write `{{{name}}}` there, or remove it"),
            );
        }
    }
}

/// Reports named expressions that mention the list of a batch, because they are evaluated once for all elements.
pub(crate) fn outside_batch(params: &Params, list: usize, diag: &mut Diag) {
    for named in params.named.iter().filter(|named| named.mentions(&params.names[list].name())) {
        let list = params.names[list].name();
        diag.at(
            &named.expr,
            format_args!(
                "`with` is evaluated once for the whole batch: write `{{{list}}}`, one element of it, in the key"
            ),
        );
    }
}

/// Reports an expression that may wait or leave the function.
fn stays_here(name: &Ident, expr: &Expr, diag: &mut Diag) {
    struct Leaves<'a>(&'a Ident, &'a mut Diag);
    impl Leaves<'_> {
        fn report(&mut self, at: &impl Spanned, word: &str) {
            let why = format_args!(
                "`{}` is evaluated before each look-up, hits included, and cannot have `{word}`: take the value as a parameter",
                self.0
            );
            self.1.error(at.span(), why);
        }
    }
    impl<'ast> Visit<'ast> for Leaves<'_> {
        fn visit_expr_await(&mut self, node: &'ast ExprAwait) {
            self.report(&node.await_token, ".await");
            visit::visit_expr_await(self, node);
        }
        fn visit_expr_try(&mut self, node: &'ast ExprTry) {
            self.report(&node.question_token, "?");
            visit::visit_expr_try(self, node);
        }
        fn visit_expr_return(&mut self, node: &'ast ExprReturn) {
            self.report(&node.return_token, "return");
            visit::visit_expr_return(self, node);
        }
    }
    Leaves(name, diag).visit_expr(expr);
}

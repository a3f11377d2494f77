async fn rename(&self, id: u64, name: &str) -> Result<(), Error> {
    let (__shape, __scopes) = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: ::fastness::__private::InvalidateSite =
            ::fastness::__private::InvalidateSite::new(::fastness::__private::InvalidateMeta {
                name: "rename",
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                receiver: ::fastness::__private::Receiver::ByType,
                expires: false,
                patterns: &[
                    ::fastness::__private::Pattern {
                        kind: ::fastness::__private::PatternKind::Exact,
                        template: ::fastness::__private::Template {
                            text: "user:{id}",
                            pieces: &[__fastness_Lit("user:"), __fastness_Placeholder(0)],
                        },
                    },
                    ::fastness::__private::Pattern {
                        kind: ::fastness::__private::PatternKind::Prefix,
                        template: ::fastness::__private::Template {
                            text: "users:*",
                            pieces: &[__fastness_Lit("users")],
                        },
                    },
                    ::fastness::__private::Pattern {
                        kind: ::fastness::__private::PatternKind::Tag,
                        template: ::fastness::__private::Template {
                            text: "t:{id}",
                            pieces: &[__fastness_Lit("t:"), __fastness_Placeholder(0)],
                        },
                    },
                ],
            });
        :: fastness :: __private :: register ! (invalidate __SITE);
        let mut __scopes = __SITE.scopes(__fastness_None);
        __scopes.add(0, &((&__fastness_Arg(&*self)).__namespace(), (&__fastness_Arg(&id)).__part()));
        __scopes.add(1, &((&__fastness_Arg(&*self)).__namespace(),));
        __scopes.add(2, &(__fastness_NoNamespace, (&__fastness_Arg(&id)).__part()));
        ::fastness::__private::add_handle(&mut __scopes, &users(&id));
        ::fastness::__private::add_handle(&mut __scopes, &api::all(&id, &(name.len() + 1)));
        ::fastness::__private::add_handle(&mut __scopes, &self.own(&id));
        ((&&&&&__fastness_returns::<Result<(), Error>>()).__shape(), __scopes)
    };
    ::fastness::__private::invalidate(__shape, __scopes.always().before(), async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<(), Error>> {
            return __value;
        }
        { self.write(id, name).await }
    })
    .await
}

async fn publish(id: u64) -> Result<(), Error> {
    let (__shape, __scopes) = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: ::fastness::__private::InvalidateSite =
            ::fastness::__private::InvalidateSite::new(::fastness::__private::InvalidateMeta {
                name: "publish",
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                receiver: ::fastness::__private::Receiver::None,
                expires: true,
                patterns: &[
                    ::fastness::__private::Pattern {
                        kind: ::fastness::__private::PatternKind::Exact,
                        template: ::fastness::__private::Template {
                            text: "rate:{id}",
                            pieces: &[__fastness_Lit("rate:"), __fastness_Placeholder(0)],
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
        __scopes.add(0, &(__fastness_NoNamespace, (&__fastness_Arg(&id)).__part()));
        __scopes.add(1, &(__fastness_NoNamespace, (&__fastness_Arg(&id)).__part()));
        ::fastness::__private::add_handle(&mut __scopes, &rates(&id));
        ((&&&&&__fastness_returns::<Result<(), Error>>()).__shape(), __scopes)
    };
    ::fastness::__private::invalidate(__shape, __scopes, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<(), Error>> {
            return __value;
        }
        { write(id).await }
    })
    .await
}

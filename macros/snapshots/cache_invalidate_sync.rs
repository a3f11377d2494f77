fn clear(&mut self, id: u64) {
    let (__shape, __scopes) = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: ::fastness::__private::InvalidateSite =
            ::fastness::__private::InvalidateSite::new(::fastness::__private::InvalidateMeta {
                name: "clear",
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                receiver: ::fastness::__private::Receiver::Skipped,
                expires: false,
                patterns: &[::fastness::__private::Pattern {
                    kind: ::fastness::__private::PatternKind::Prefix,
                    template: ::fastness::__private::Template {
                        text: "user:{id}:*",
                        pieces: &[__fastness_Lit("user:"), __fastness_Placeholder(0)],
                    },
                }],
            });
        :: fastness :: __private :: register ! (invalidate __SITE);
        let mut __scopes = __SITE.scopes(__fastness_None);
        __scopes.add(0, &(__fastness_NoNamespace, (&__fastness_Arg(&id)).__part()));
        ((&&&&&__fastness_returns::<()>()).__shape(), __scopes)
    };
    ::fastness::__private::invalidate_sync(__shape, __scopes, move || -> () {
        {
            self.map.remove(&id);
        }
    })
}

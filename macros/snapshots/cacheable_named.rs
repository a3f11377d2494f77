fn get(id: u64) -> BoxFuture<'static, Option<User>> {
    let __kind = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        (&__fastness_returns::<BoxFuture<'static, Option<User>>>()).__kind()
    };
    let __load = match {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "get",
            ::core::module_path!(),
            "get:<path>:{id}",
            &[__fastness_Lit("get:"), __fastness_Path, __fastness_Lit(":"), __fastness_Placeholder(0)],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance(|| ());
        let __shape = (&&&&&__kind).__shape();
        let __key = (__fastness_NoNamespace, (&__fastness_Arg(&id)).__part());
        let __call = __fastness_Call::new(__instance, __shape, &__key);
        __kind.serve(&__SITE, __fastness_None, __call, (300000u64, (&&__fastness_Wired(__shape, __kind)).__wire()))
    } {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let __out: BoxFuture<'static, Option<User>> = { Box::pin(async move { None }) };
    #[allow(unreachable_code)]
    return __kind.end(__load, __out);
}

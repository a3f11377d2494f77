fn get(id: u64) -> BoxFuture<'static, Option<User>> {
    let __kind = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        (&__returns::<BoxFuture<'static, Option<User>>>()).__kind()
    };
    let __load = match {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __Site = __Site::new(
            __Cacheable,
            "get",
            ::core::module_path!(),
            "get:<path>:{id}",
            &[__Text("get:"), __Path, __Text(":"), __Place(0)],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __here = __instance(|| ());
        let __shape = (&&&&&__kind).__shape();
        let __key = (__NoScope, (&__Arg(&id)).__part());
        __kind.serve(&__SITE, __None, __shape, __here, &__key, (300000u64, (&&__Wired(__shape, __kind)).__wire()))
    } {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let __out: BoxFuture<'static, Option<User>> = { Box::pin(async move { None }) };
    #[allow(unreachable_code)]
    return __kind.end(__load, __out);
}

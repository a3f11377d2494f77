#[doc = " Docs."]
#[inline]
fn square(x: u64) -> u64 {
    let __load = match {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __Site = __Site::new(
            __Cacheable,
            "square",
            ::core::module_path!(),
            "squares:<path>:{x}",
            &[__Text("squares:"), __Path, __Text(":"), __Place(0)],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __here = __instance(|| ());
        let __shape = (&&&&&__returns::<u64>()).__shape();
        let __key = (__NoScope, (&__Arg(&x)).__part());
        __SITE.serve_sync(__None, __shape, __here, &__key, 300000u64)
    } {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let __out: u64 = { x * x };
    #[allow(unreachable_code)]
    return ::fastness::__private::end_sync(__load, __out);
}

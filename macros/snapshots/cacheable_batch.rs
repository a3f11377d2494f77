async fn get_many(ids: &[u64]) -> Result<HashMap<u64, User>, Error> {
    let __batch = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Batch,
            "get_many",
            ::core::module_path!(),
            "user:{ids}",
            &[__fastness_Lit("user:"), __fastness_Placeholder(0)],
        )
        .tags(&["t:{ids}"]);
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance(|| ());
        let __shape = (&&&&&__fastness_returns::<Result<HashMap<u64, User>, Error>>()).__shape();
        let mut __batch = __SITE.batch(
            __fastness_None,
            __instance,
            __shape,
            ::fastness::__private::batch_policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&::fastness::__private::wired_each(__shape)).__wire()),
        );
        for __id in ::fastness::__private::BatchIds::iter(&ids) {
            __batch.add(
                __id,
                &(__fastness_NoNamespace, (&__fastness_Arg(__id)).__part()),
                &[::fastness::__private::tag(
                    &[__fastness_Lit("t:"), __fastness_Placeholder(0)],
                    &(__fastness_NoNamespace, (&__fastness_Arg(__id)).__part()),
                )],
            );
        }
        __batch.fetch().await;
        if let ::core::option::Option::Some(__hit) = __batch.complete() {
            return __hit;
        }
        __batch
    };
    let __missing = __batch.missing();
    ::fastness::__private::load_batch(__batch, async move {
        let ids: &[u64] = ::fastness::__private::BatchIds::lend(&__missing);
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<HashMap<u64, User>, Error>>
        {
            return __value;
        }
        { load(ids).await }
    })
    .await
}
